"""A statement's lines other than visits: points given later, taken back, used for a debt, or waived."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from django.db.models import Q

from cloud_sync.ledger.points.models import Debt, Household, Transfer
from cloud_sync.ledger.points.posting import Purpose
from cloud_sync.ledger.statement import texts

SIGNS = {Purpose.RELEASE: 1, Purpose.RESTORE: 1, Purpose.CORRECTION: -1, Purpose.OFFSET: -1}
"""Sign of each purpose in the household's balance; a return of held points does not change it."""


@dataclass(frozen=True, slots=True)
class MovementLine:
    """A change of a household's points without a visit; `points` may be negative or 0."""

    day: date
    """In the community's time zone."""
    time: str
    points: int
    words: str
    figure: str = ""
    """Points that did not move the balance, in words: to be deducted, waived, or not given."""

    @property
    def amount(self) -> int:
        """Return the points without their sign."""
        return abs(self.points)


@dataclass(frozen=True, slots=True)
class _Happening:
    """One movement; movements with the same moment and words become one line."""

    at: datetime
    words: str
    points: int = 0
    unmoved: int = 0
    """Points that did not move the balance; `figure` says what became of them."""
    figure: Callable[[int], str] = texts.to_deduct


def movement_lines(
    household: Household, zone: ZoneInfo, since: datetime | None, before: datetime | None
) -> list[MovementLine]:
    """Return the lines from `since` on and before `before`, the latest first; None is no bound."""
    found = (*_transfers(household, since, before), *_debts(household, since, before))
    alike = groupby(sorted(found, key=_key, reverse=True), key=_key)
    return [_line(list(some), zone) for _, some in alike]


def _key(happening: _Happening) -> tuple[datetime, str]:
    return happening.at, happening.words


def _line(alike: list[_Happening], zone: ZoneInfo) -> MovementLine:
    first = alike[0]
    local = first.at.astimezone(zone)
    figure = next((one.figure for one in alike if one.unmoved), None)
    return MovementLine(
        day=local.date(),
        time=f"{local:%H:%M}",
        points=sum(one.points for one in alike),
        words=first.words,
        figure=figure(sum(one.unmoved for one in alike)) if figure else "",
    )


def _transfers(household: Household, since: datetime | None, before: datetime | None) -> Iterator[_Happening]:
    rows = Transfer.objects.filter(_between("created_at", since, before), household=household)
    for row in rows.select_related("decision"):
        purpose = Purpose(row.purpose)
        words = texts.movement(purpose, row.decision.reason if row.decision else "")
        if purpose is Purpose.RETURN:
            yield _Happening(row.created_at, words, unmoved=row.points, figure=texts.not_given)
        else:
            yield _Happening(row.created_at, words, SIGNS.get(purpose, 0) * row.points)


def _debts(household: Household, since: datetime | None, before: datetime | None) -> Iterator[_Happening]:
    """Yield points that corrections could not take because they were spent, and those waived of them."""
    debts = Debt.objects.filter(household=household).select_related("decision", "forgiveness")
    for debt in debts.filter(_between("created_at", since, before)):
        words = texts.movement(Purpose.CORRECTION, debt.decision.reason)
        yield _Happening(debt.created_at, words, unmoved=debt.points, figure=texts.to_deduct)
    for debt in debts.filter(_between("forgiveness__decided_at", since, before), forgiven__gt=0):
        if debt.forgiveness is not None:
            words = texts.waived_because(debt.forgiveness.reason)
            yield _Happening(debt.forgiveness.decided_at, words, unmoved=debt.forgiven, figure=texts.waived)


def _between(column: str, since: datetime | None, before: datetime | None) -> Q:
    found = Q()
    if since is not None:
        found &= Q(**{f"{column}__gte": since})
    if before is not None:
        found &= Q(**{f"{column}__lt": before})
    return found


def released(events: Iterable[int]) -> dict[int, Transfer]:
    """Return, by event, the transfers that later gave a visit's held or returned points."""
    rows = Transfer.objects.filter(event__in=list(events), purpose__in=[Purpose.RELEASE, Purpose.RESTORE])
    return {row.event_id: row for row in rows}


def owed(household: Household) -> int:
    """Return what the household still owes."""
    return sum(Debt.objects.filter(household=household, left__gt=0).values_list("left", flat=True))
