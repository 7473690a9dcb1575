"""Settling visits: the rules' word on each, its transfers, and its row."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Sum

from cloud_sync.award_rules import Award, AwardRules, Settlement, Tally, award, settle
from cloud_sync.facts import Role, Stamp, VisitFacts
from cloud_sync.ledger.points.accounts import Accounts, Purpose, lock_accounts, post, transfer
from cloud_sync.ledger.points.models import Card, CardRole, Transfer, VisitSettlement
from cloud_sync.ledger.stations.models import Community, Event


@dataclass(frozen=True, slots=True)
class Visit:
    """A stored visit event with its facts, still to be settled."""

    event: Event
    facts: VisitFacts
    stamp: Stamp


TallyKey = tuple[int | str, date]
"""Who earns (a household's primary key, or an unbound card's hash) and on which local day."""


def settle_visits(
    community: Community, visits: Sequence[Visit], rules: Mapping[int, AwardRules], now: datetime
) -> None:
    """Settle visits in their order, within the transaction that stored their events."""
    zone = ZoneInfo(community.timezone)
    cards = lock_cards(community, {visit.facts.card for visit in visits})
    accounts = lock_accounts(community, {card.household_id for card in cards.values() if card.household_id})
    times = [_happened_at(visit.stamp, now, zone) for visit in visits]
    tallies = _tallies(community, cards.values(), {time.date() for time in times})
    transfers: list[Transfer] = []
    rows: list[VisitSettlement] = []
    for visit, time in zip(visits, times, strict=True):
        card = cards[visit.facts.card]
        key = (card.household_id or card.hash, time.date())
        tally = tallies.get(key, Tally())
        role = Role.STAFF if card.role == CardRole.STAFF else Role.RESIDENT
        earned = award(visit.facts.deposits, role, rules[visit.facts.rules], tally)
        word = settle(visit.facts.provisional, earned, bound=card.household_id is not None)
        tallies[key] = Tally(tally.points + word.settled + word.held, tally.deposits + earned.counted)
        rows.append(_row(visit, card, time, word, earned))
        transfers += _transfers(visit.event, card, word, accounts, now)
    VisitSettlement.objects.bulk_create(rows)
    post(transfers)


def lock_cards(community: Community, hashes: Collection[str]) -> dict[str, Card]:
    """These cards by hash, locked in sorted order; one never seen before gets its row."""
    known = set(Card.objects.filter(community=community, hash__in=hashes).values_list("hash", flat=True))
    unseen = [Card(community=community, hash=hash_) for hash_ in sorted(set(hashes) - known)]
    Card.objects.bulk_create(unseen, ignore_conflicts=True)
    rows = Card.objects.filter(community=community, hash__in=hashes).order_by("hash").select_for_update()
    return {row.hash: row for row in rows}


def _happened_at(stamp: Stamp, now: datetime, zone: ZoneInfo) -> datetime:
    """The stamp's wall time where it is trusted, else when the event came; local."""
    return datetime.fromtimestamp(stamp.wall_s, zone) if stamp.trusted else now.astimezone(zone)


def _tallies(community: Community, cards: Collection[Card], days: Collection[date]) -> dict[TallyKey, Tally]:
    """What each household and each unbound card has already earned on these days."""
    applied = VisitSettlement.objects.filter(community=community, local_day__in=days)
    sums = {"points": Sum("settled") + Sum("held"), "deposits": Sum("counted")}
    households = {card.household_id for card in cards if card.household_id is not None}
    unbound = {card.hash for card in cards if card.household_id is None}
    of_households = applied.filter(household__in=households).values_list("household_id", "local_day")
    of_cards = applied.filter(household=None, card_hash__in=unbound).values_list("card_hash", "local_day")
    return {
        (who, day): Tally(points, deposits)
        for rows in (of_households, of_cards)
        for who, day, points, deposits in rows.annotate(**sums)
    }


def _row(visit: Visit, card: Card, time: datetime, word: Settlement, earned: Award) -> VisitSettlement:
    return VisitSettlement(
        event=visit.event,
        community_id=card.community_id,
        card_hash=card.hash,
        household_id=card.household_id,
        happened_at=time,
        local_day=time.date(),
        provisional=visit.facts.provisional,
        settled=word.settled,
        held=word.held,
        lowered=word.lowered,
        lowered_by=word.lowered_by or "",
        held_by=word.held_by or "",
        counted=earned.counted,
    )


def _transfers(
    event: Event, card: Card, word: Settlement, accounts: Accounts, now: datetime
) -> list[Transfer]:
    made = []
    if word.settled and card.household_id is not None:
        account = accounts.household[card.household_id]
        made.append(transfer(event, Purpose.AWARD, accounts.issuing, account, word.settled, now))
    if word.held:
        made.append(transfer(event, Purpose.HOLD, accounts.issuing, accounts.suspense, word.held, now))
    return made
