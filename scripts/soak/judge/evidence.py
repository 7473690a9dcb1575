"""Reads the ledger's tables for the verdict.

Importable only after `cloud_sync.ledger.setup`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from django.db import connections, transaction
from django.db.models import Sum

from cloud_sync.ledger.points.models import Account, AccountKind, Transfer, VisitSettlement
from cloud_sync.ledger.stations.models import Conflict, Event, EventState
from scripts.soak.invariants import Account as AccountWord
from scripts.soak.invariants import Ledger
from scripts.soak.judge.rows import EventId, Settlement

_IDENTITY = ("event__station__slug", "event__epoch", "event__sequence")


def read_events() -> frozenset[EventId]:
    """Return the identity of every event that the ledger has now."""
    connections.close_all()  # the file may have been replaced, or the server killed
    rows = Event.objects.values_list("station__slug", "epoch", "sequence")
    found = frozenset((station, epoch, sequence) for station, epoch, sequence in rows)
    connections.close_all()
    return found


def read_ledger(audit: Sequence[str]) -> Ledger:
    """Read everything about points in the ledger; `audit` has the problems that its own audit found."""
    connections.close_all()
    with transaction.atomic():
        ledger = Ledger(
            events=list(Event.objects.values_list("station__slug", "epoch", "sequence")),
            refused=_refused(),
            settlements=_settlements(),
            accounts=_accounts(),
            audit=audit,
        )
    connections.close_all()
    return ledger


def _refused() -> dict[EventId, str]:
    identity = ("station__slug", "epoch", "sequence")
    events = Event.objects.filter(state=EventState.REFUSED).values_list(*identity, "reason")
    refused = {(station, epoch, sequence): reason for station, epoch, sequence, reason in events}
    for station, epoch, sequence in Conflict.objects.values_list(*identity):
        refused[station, epoch, sequence] = "other content came under this name"
    return refused


def _settlements() -> list[tuple[EventId, Settlement]]:
    given, waiting = _net(AccountKind.ISSUING), _net(AccountKind.SUSPENSE)
    found = []
    for row in VisitSettlement.objects.select_related("event__station").iterator():
        name = (row.event.station.slug, row.event.epoch, row.event.sequence)
        words = (row.provisional, row.settled, row.held, row.lowered)
        found.append(
            (
                name,
                Settlement(
                    *words,
                    given=-given[name],
                    waiting=waiting[name],
                    lowered_by=row.lowered_by,
                    held_by=row.held_by,
                    day=row.local_day.isoformat(),
                    timed=row.timed,
                    order=row.event_id,
                ),
            )
        )
    return found


def _net(kind: AccountKind) -> Counter[EventId]:
    """Return, by event, what came into accounts of a kind, less what went out."""
    net: Counter[EventId] = Counter()
    for side, sign in (("credit", 1), ("debit", -1)):
        rows = Transfer.objects.filter(**{f"{side}__kind": kind}).values_list(*_IDENTITY)
        for station, epoch, sequence, points in rows.annotate(moved=Sum("points")):
            net[station, epoch, sequence] += sign * points
    return net


def _accounts() -> list[AccountWord]:
    moved: Counter[int] = Counter()
    for side, sign in (("credit", 1), ("debit", -1)):
        for pk, points in Transfer.objects.values_list(side).annotate(Sum("points")):
            moved[pk] += sign * points
    accounts: Iterable[Account] = Account.objects.select_related("household", "community")
    return [
        AccountWord(str(account), account.balance, moved[account.pk], account.kind == AccountKind.ISSUING)
        for account in accounts
    ]
