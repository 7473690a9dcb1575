"""A statement's lines beside the visits: what was given later, taken back, paid of a debt, or forgiven."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from django.db.models import Q

from cloud_sync.ledger.points.models import Debt, Household, Transfer
from cloud_sync.ledger.points.posting import Purpose
from cloud_sync.ledger.statement import texts

SIGNS = {Purpose.RELEASE: 1, Purpose.RESTORE: 1, Purpose.CORRECTION: -1, Purpose.OFFSET: -1}
"""Which way each moves the household's balance; a return from suspense does not."""


@dataclass(frozen=True, slots=True)
class MovementLine:
    """Something that happened to a household's points without a visit; `points` may be negative or 0."""

    day: date
    """Where the community is."""
    time: str
    points: int
    words: str

    @property
    def amount(self) -> int:
        """How many points, whichever way they went."""
        return abs(self.points)


@dataclass(frozen=True, slots=True)
class _Happening:
    """One movement; those of the same moment and the same words are one line."""

    at: datetime
    words: str
    points: int


def movement_lines(
    household: Household, zone: ZoneInfo, since: datetime | None, before: datetime | None
) -> list[MovementLine]:
    """What happened from `since` on and before `before`, the latest first; None is no bound."""
    found = (*_transfers(household, since, before), *_debts(household, since, before))
    alike = groupby(sorted(found, key=_key, reverse=True), key=_key)
    return [_line(at, text, sum(one.points for one in some), zone) for (at, text), some in alike]


def _key(happening: _Happening) -> tuple[datetime, str]:
    return happening.at, happening.words


def _line(at: datetime, text: str, points: int, zone: ZoneInfo) -> MovementLine:
    local = at.astimezone(zone)
    return MovementLine(day=local.date(), time=f"{local:%H:%M}", points=points, words=text)


def _transfers(household: Household, since: datetime | None, before: datetime | None) -> Iterator[_Happening]:
    rows = Transfer.objects.filter(_between("created_at", since, before), household=household)
    for row in rows.select_related("decision"):
        text = texts.movement(Purpose(row.purpose), row.decision.reason if row.decision else "")
        yield _Happening(row.created_at, text, SIGNS.get(Purpose(row.purpose), 0) * row.points)


def _debts(household: Household, since: datetime | None, before: datetime | None) -> Iterator[_Happening]:
    """Corrections, also those that found nothing to take, on the same line; and what was forgiven."""
    debts = Debt.objects.filter(household=household).select_related("decision", "forgiveness")
    for debt in debts.filter(_between("created_at", since, before)):
        yield _Happening(debt.created_at, texts.movement(Purpose.CORRECTION, debt.decision.reason), 0)
    for debt in debts.filter(_between("forgiveness__decided_at", since, before), forgiven__gt=0):
        if debt.forgiveness is not None:
            yield _Happening(debt.forgiveness.decided_at, texts.forgiven(debt.forgiveness.reason), 0)


def _between(column: str, since: datetime | None, before: datetime | None) -> Q:
    found = Q()
    if since is not None:
        found &= Q(**{f"{column}__gte": since})
    if before is not None:
        found &= Q(**{f"{column}__lt": before})
    return found


def released(events: Iterable[int]) -> dict[int, Transfer]:
    """By their event, the transfers that gave later what a visit held, or what had been returned of it."""
    rows = Transfer.objects.filter(event__in=list(events), purpose__in=[Purpose.RELEASE, Purpose.RESTORE])
    return {row.event_id: row for row in rows}


def owed(household: Household) -> int:
    """What the household still owes."""
    return sum(Debt.objects.filter(household=household, left__gt=0).values_list("left", flat=True))
