"""Check sums that must agree, computed from the rows alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from cloud_sync.ledger.points.corrections import GIFTS
from cloud_sync.ledger.points.models import Account, AccountKind, Debt, Transfer, VisitSettlement
from cloud_sync.ledger.points.posting import Purpose
from cloud_sync.ledger.stations.models import Community, Event, EventKind, EventState

NAMED = 3
"""How many rows of one kind of problem are named; the rest are counted."""


def _twice(community: Community | None) -> Iterator[str]:
    if found := duplicates(community):
        yield f"{found} events or transfers are stored twice"


def _floors(community: Community | None) -> Iterator[str]:
    accounts = _of(Account.objects.all(), community)
    floored = accounts.exclude(kind=AccountKind.ISSUING).filter(balance__lt=0)
    yield from _named(floored, "account {0.pk} ({0}) is below zero: {0.balance}")
    total = accounts.aggregate(sum=Coalesce(Sum("balance"), 0))["sum"]
    if total:
        yield f"all accounts together hold {total}, not 0"


def _balances_unlike_transfers(community: Community | None) -> Iterator[str]:
    """Accounts whose balance is not what their transfers come to."""
    transfers = _of(Transfer.objects.all(), community)
    incoming = dict(transfers.values_list("credit").annotate(Sum("points")))
    outgoing = dict(transfers.values_list("debit").annotate(Sum("points")))
    for account in _of(Account.objects.all(), community).select_related("household", "community").iterator():
        moved = incoming.get(account.pk, 0) - outgoing.get(account.pk, 0)
        if moved != account.balance:
            yield f"account {account.pk} ({account}) holds {account.balance}, its transfers come to {moved}"


def _settlement_problems(community: Community | None) -> Iterator[str]:
    settlements = _of(VisitSettlement.objects.all(), community)
    unsettled = _of(Event.objects.all(), community, "station__community").filter(
        kind=EventKind.VISIT, state=EventState.APPLIED, settlement=None
    )
    yield from _named(unsettled, "event {0.pk} ({0}) was never settled")
    sums = settlements.exclude(provisional=F("settled") + F("held") + F("lowered"))
    yield from _named(sums, "the settlement of event {0.pk} does not add up to {0.provisional}")
    moved = settlements.annotate(
        given=_moved(*GIFTS),
        kept=_moved(Purpose.HOLD),
        freed=_moved(Purpose.RELEASE, Purpose.RETURN, Purpose.LOWER),
        back=_moved(Purpose.RETURN),
        again=_moved(Purpose.RESTORE),
    )
    unlike = moved.exclude(settled=F("given"), held=F("kept") - F("freed"), withdrawn=F("back") - F("again"))
    yield from _named(
        unlike, "event {0.pk} settled {0.settled} and holds {0.held}, its transfers say otherwise"
    )
    given = _of(Transfer.objects.all(), community).filter(purpose__in=GIFTS)
    astray = given.exclude(credit__household=F("event__settlement__household"))
    yield from _named(astray, "transfer {0.pk} went to another household than its visit's")


def _debt_problems(community: Community | None) -> Iterator[str]:
    transfers = _of(Transfer.objects.all(), community)
    paid = Coalesce(Sum("parts__points"), 0)
    debts = _of(Debt.objects.all(), community, "household__community")
    unlike = debts.annotate(paid=paid).exclude(points=F("paid") + F("forgiven") + F("left"))
    yield from _named(unlike, "debt {0.pk} of {0.points}: paid, forgiven and left do not add up to it")
    offsets = transfers.filter(purpose=Purpose.OFFSET).annotate(paid=paid)
    yield from _named(offsets.exclude(points=F("paid")), "offset {0.position} is not the sum of what it paid")
    reversed_ = transfers.filter(debt__isnull=False) | transfers.filter(reversed_by__isnull=False)
    taken = Coalesce(Sum("reversed_by__points"), 0)
    owed = Coalesce(F("debt__points"), 0)
    unlike_gift = reversed_.annotate(taken=taken, owed=owed).exclude(points=F("taken") + F("owed"))
    yield from _named(unlike_gift, "the correction of transfer {0.position} does not add up to it")


def _moved(*purposes: Purpose) -> Coalesce:
    points = Sum("event__transfers__points", filter=Q(event__transfers__purpose__in=purposes))
    return Coalesce(points, 0)


def _named(rows: QuerySet[Any], line: str) -> Iterator[str]:
    """Yield a line for each of the first rows, and one that counts the others."""
    for row in rows.order_by("pk")[:NAMED]:
        yield line.format(row)
    more = max(0, rows.count() - NAMED)
    if more:
        yield f"and {more} more of the same"


def _of(rows: QuerySet[Any], community: Community | None, path: str = "community") -> QuerySet[Any]:
    """Those of one community, or all of them."""
    return rows if community is None else rows.filter(**{path: community})


def duplicates(community: Community | None = None) -> int:
    """Identities that occur more than once: constraints forbid it, so this asks whether they still stand."""
    events = (
        _of(Event.objects.all(), community, "station__community")
        .values("station", "epoch", "sequence")
        .annotate(times=Count("pk"))
    )
    transfers = _of(Transfer.objects.all(), community).values("event", "purpose").annotate(times=Count("pk"))
    return int(events.filter(times__gt=1).count() + transfers.filter(times__gt=1).count())


CHECKS: Mapping[str, Callable[[Community | None], Iterator[str]]] = MappingProxyType(
    {
        "duplicates": _twice,
        "balances": _balances_unlike_transfers,
        "floors": _floors,
        "settlements": _settlement_problems,
        "debts": _debt_problems,
    }
)
"""Each gives a line for each sum that does not agree, of one community or of all."""
