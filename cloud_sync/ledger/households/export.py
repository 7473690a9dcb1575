"""Exports everything stored about a household, as plain values; residents may ask for it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from django.db.models import Q

from cloud_sync.ledger.chain import records
from cloud_sync.ledger.households.history import transfers_of
from cloud_sync.ledger.points.models import Account, Card, Debt, Household, Record, VisitSettlement


def export_household(household: Household) -> dict[str, object]:
    """Return what the ledger stores about a household, for JSON."""
    account = Account.objects.get(household=household)
    cards = list(household.cards.order_by("pk"))
    return {
        "community": household.community.slug,
        "code": household.code,
        "name": household.name,
        "balance": account.balance,
        "cards": [_card(card) for card in cards],
        "history": history(household, cards),
        "visits": [_visit(row) for row in _visits(household)],
        "transfers": [
            {
                "position": row.position,
                "at": row.created_at.isoformat(),
                "points": row.points if row.credit_id == account.pk else -row.points,
                "purpose": row.purpose,
                "event": f"{row.event.station}/{row.event.epoch}/{row.event.sequence}",
                "decision": None if row.decision is None else str(row.decision),
            }
            for row in transfers_of(household, account.pk)
        ],
        "debts": [_debt(row) for row in household.debts.select_related("decision").order_by("pk")],
        "links_ended": household.links_ended,
    }


def history(household: Household | None, cards: Sequence[Card]) -> list[dict[str, object]]:
    """Return every change of a household and of cards, the oldest first: who, when, why."""
    keys = {f"points_card/{card.pk}" for card in cards}
    codes = dict(Household.objects.values_list("pk", "code"))
    own = None if household is None else f"points_household/{household.pk}"
    community = cards[0].community_id if household is None else household.community_id
    found: list[dict[str, object]] = []
    shift = records.shift_of(community)
    rows = Record.objects.filter(community=community).exclude(kind__in=["settled", "waits", "decided"])
    for record in rows.order_by("position").iterator(chunk_size=500):
        told = records.read(bytes(record.body), shift)
        ours = household is not None and told.household == household.pk
        if ours or told.row in keys or told.row == own:
            found.append(_exported(record, told, codes))
    return found


def _exported(record: Record, told: records.RecordContent, codes: dict[int, str]) -> dict[str, object]:
    line: dict[str, object] = {"at": record.at.isoformat(), "what": record.kind}
    if told.row.startswith("points_card/"):
        line["card"] = int(told.row.partition("/")[2])
    if told.household is not None:
        line["household"] = codes.get(told.household)
    return line | {name: text for name, text in (("by", told.by), ("reason", told.reason)) if text}


def _card(card: Card) -> dict[str, object]:
    since = card.suspected_at
    return {
        "number": card.pk,
        "hash": card.hash,
        "status": card.status,
        "role": card.role,
        "suspected_since": None if since is None else since.isoformat(),
    }


def _visits(household: Household) -> Sequence[VisitSettlement]:
    rows = VisitSettlement.objects.filter(household=household) | VisitSettlement.objects.filter(
        Q(card_hash__in=household.cards.values("hash")), community=household.community
    )
    return list(rows.select_related("event__station").order_by("pk"))


def _visit(row: VisitSettlement) -> dict[str, object]:
    body = bytes(row.event.body)
    return {
        "station": row.event.station.slug,
        "event": f"{row.event.epoch}/{row.event.sequence}",
        "at": row.happened_at.isoformat(),
        "day": row.local_day.isoformat(),
        "provisional": row.provisional,
        "settled": row.settled,
        "held": row.held,
        "lowered": row.lowered,
        "why": [why for why in (row.lowered_by, row.held_by, row.withdrawn_by) if why],
        "facts": msgspec.json.decode(body) if body else None,
    }


def _debt(row: Debt) -> dict[str, object]:
    return {
        "points": row.points,
        "left": row.left,
        "forgiven": row.forgiven,
        "decision": str(row.decision),
    }
