"""The audit: sums that must agree, read from the rows and not from what the code believes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from cloud_sync.ledger.points.accounts import Purpose
from cloud_sync.ledger.points.models import Account, AccountKind, Transfer, VisitSettlement
from cloud_sync.ledger.stations.models import Event, EventKind, EventState

NAMED = 3
"""How many rows of one kind of problem are named; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What the ledger comes to. Points in `settled`, `held` and `lowered` are those of all visits."""

    transfers: int
    sum: int
    """Of all accounts: 0."""
    duplicates: int
    settled: int
    held: int
    lowered: int
    problems: tuple[str, ...]
    """One line for each thing that is wrong."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def as_json(self) -> dict[str, bool | int]:
        """The fields that `tongzhan ledger verify --json` prints."""
        return {
            "ok": self.ok,
            "transfers": self.transfers,
            "sum": self.sum,
            "duplicates": self.duplicates,
            "settled": self.settled,
            "held": self.held,
            "lowered": self.lowered,
        }


def verify() -> Audit:
    """Check the whole database as it stands at one instant."""
    with transaction.atomic():
        if connection.vendor == "postgresql":  # SQLite's transactions see one instant by themselves
            connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        duplicates = _duplicates()
        totals = VisitSettlement.objects.aggregate(
            **{name: Coalesce(Sum(name), 0) for name in ("settled", "held", "lowered")}
        )
        return Audit(
            transfers=Transfer.objects.count(),
            sum=Account.objects.aggregate(sum=Coalesce(Sum("balance"), 0))["sum"],
            duplicates=duplicates,
            problems=tuple(_problems(duplicates)),
            **totals,
        )


def _problems(duplicates: int) -> Iterator[str]:
    if duplicates:
        yield f"{duplicates} events or transfers are here twice"
    yield from _balances_unlike_transfers()
    floored = Account.objects.exclude(kind=AccountKind.ISSUING).filter(balance__lt=0)
    yield from _named(floored, "account {0.pk} ({0}) is below zero: {0.balance}")
    total = Account.objects.aggregate(sum=Coalesce(Sum("balance"), 0))["sum"]
    if total:
        yield f"all accounts together hold {total}, not 0"
    yield from _settlement_problems()


def _balances_unlike_transfers() -> Iterator[str]:
    """Accounts whose balance is not what their transfers come to."""
    incoming = dict(Transfer.objects.values_list("credit").annotate(Sum("points")))
    outgoing = dict(Transfer.objects.values_list("debit").annotate(Sum("points")))
    for account in Account.objects.select_related("household", "community").iterator():
        moved = incoming.get(account.pk, 0) - outgoing.get(account.pk, 0)
        if moved != account.balance:
            yield f"account {account.pk} ({account}) holds {account.balance}, its transfers come to {moved}"


def _settlement_problems() -> Iterator[str]:
    unsettled = Event.objects.filter(kind=EventKind.VISIT, state=EventState.APPLIED, settlement=None)
    yield from _named(unsettled, "event {0.pk} ({0}) was never settled")
    sums = VisitSettlement.objects.exclude(provisional=F("settled") + F("held") + F("lowered"))
    yield from _named(sums, "the settlement of event {0.pk} does not add up to {0.provisional}")
    moved = VisitSettlement.objects.annotate(
        given=_moved(Purpose.AWARD, Purpose.RELEASE), kept=_moved(Purpose.HOLD), freed=_moved(Purpose.RELEASE)
    )
    unlike = moved.exclude(settled=F("given"), held=F("kept") - F("freed"))
    yield from _named(
        unlike, "event {0.pk} settled {0.settled} and holds {0.held}, its transfers say otherwise"
    )
    given = Transfer.objects.filter(purpose__in=[Purpose.AWARD, Purpose.RELEASE])
    astray = given.exclude(credit__household=F("event__settlement__household"))
    yield from _named(astray, "transfer {0.pk} went to another household than its visit's")


def _moved(*purposes: Purpose) -> Coalesce:
    points = Sum("event__transfers__points", filter=Q(event__transfers__purpose__in=purposes))
    return Coalesce(points, 0)


def _named(rows: QuerySet[Any], line: str) -> Iterator[str]:
    """A line for each of the first rows, and one that counts the others."""
    for row in rows.order_by("pk")[:NAMED]:
        yield line.format(row)
    more = max(0, rows.count() - NAMED)
    if more:
        yield f"and {more} more of the same"


def _duplicates() -> int:
    """Identities that occur more than once: constraints forbid it, so this asks whether they still stand."""
    events = Event.objects.values("station", "epoch", "sequence").annotate(times=Count("pk"))
    transfers = Transfer.objects.values("event", "purpose").annotate(times=Count("pk"))
    return events.filter(times__gt=1).count() + transfers.filter(times__gt=1).count()
