"""A household's statement as values: what was thrown in, how it ended, what it earned, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter
from zoneinfo import ZoneInfo

from django.conf import settings

from cloud_sync.ledger.points.models import Account, Household, Transfer, VisitSettlement
from cloud_sync.ledger.statement import texts
from cloud_sync.ledger.statement.lines import MovementLine, movement_lines, owed, released
from cloud_sync.ledger.stations.models import Event
from cloud_sync.rules.award_rules import Outcome, outcome_of
from cloud_sync.wire.envelope import decode_event
from cloud_sync.wire.facts import DepositFacts, VisitFacts
from config.sorting import Category, Sorting

VISITS = 30
"""Visits on one page."""


@dataclass(frozen=True, slots=True)
class Bin:
    """A category as this city shows it, in the reader's language."""

    category: Category
    word: str
    icon: str


@dataclass(frozen=True, slots=True)
class Thing:
    """Things thrown into one bin, one after another, that ended alike."""

    bin: Bin
    outcome: Outcome
    words: str
    belongs: Bin | None
    """Where they should have gone, if elsewhere."""
    times: int


@dataclass(frozen=True, slots=True)
class VisitLine:
    """One visit, and what it gave at once. `notes` say why points were lowered, wait, or came later."""

    time: str
    points: int
    things: tuple[Thing, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """One local day: what happened beside the visits, and the visits, the latest first."""

    word: str
    visits: tuple[VisitLine, ...]
    movements: tuple[MovementLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """One page of it. `older` is what to ask for to see what came before.

    Over all pages the points of all lines come to `balance`.
    """

    place: str
    household: str
    balance: int
    owed: str
    """What later points will pay first, in a sentence; empty if nothing."""
    days: tuple[Day, ...]
    older: int | None
    latest: bool
    """Whether this is the first page, which grows while it is looked at."""


def make_statement(household: Household, now: datetime, before: int | None = None) -> Statement:
    """The latest visits, or those that came before event `before`; words in the activated language."""
    zone = ZoneInfo(household.community.timezone)
    rows = VisitSettlement.objects.filter(household=household).select_related("event").order_by("-event_id")
    page = list((rows if before is None else rows.filter(event__lt=before))[: VISITS + 1])
    # Pages follow the order in which visits arrived, which never changes; within one they go by their time.
    shown = sorted(page[:VISITS], key=attrgetter("happened_at", "event_id"), reverse=True)
    older = page[VISITS - 1] if len(page) > VISITS else None
    since = None if older is None else older.event.received_at
    beside = movement_lines(household, zone, since, _arrival(before))
    return Statement(
        place=texts.name(household.community),
        household=household.name or household.code,
        balance=Account.objects.get(household=household).balance,
        owed=texts.owed(debt) if (debt := owed(household)) else "",
        days=_days(shown, beside, now, zone),
        older=None if older is None else older.event_id,
        latest=before is None,
    )


def _arrival(event: int | None) -> datetime | None:
    found = Event.objects.filter(pk=0 if event is None else event)
    return found.values_list("received_at", flat=True).first()


def _days(
    shown: Sequence[VisitSettlement], beside: Sequence[MovementLine], now: datetime, zone: ZoneInfo
) -> tuple[Day, ...]:
    given_later = released(row.event_id for row in shown)
    visits: dict[date, list[VisitLine]] = {}
    for row in shown:
        visits.setdefault(row.local_day, []).append(_visit(row, zone, given_later.get(row.event_id)))
    movements: dict[date, list[MovementLine]] = {}
    for line in beside:
        movements.setdefault(line.day, []).append(line)
    today = now.astimezone(zone).date()
    return tuple(
        Day(texts.day(day, today), tuple(visits.get(day, ())), tuple(movements.get(day, ())))
        for day in sorted(visits.keys() | movements.keys(), reverse=True)
    )


def _visit(row: VisitSettlement, zone: ZoneInfo, later: Transfer | None) -> VisitLine:
    body = bytes(row.event.body)  # empty for a visit that was erased
    facts = decode_event(body).facts if body else None
    deposits = facts.deposits if isinstance(facts, VisitFacts) else ()
    notes = texts.notes(row)
    if later is not None:
        notes += (texts.given_later(later.points, later.created_at.astimezone(zone).date()),)
    return VisitLine(
        time=f"{row.happened_at.astimezone(zone):%H:%M}",
        points=row.settled - (later.points if later else 0),
        things=tuple(_thing(*kind, len(list(alike))) for kind, alike in groupby(deposits, _kind)),
        notes=notes,
    )


def _kind(deposit: DepositFacts) -> tuple[Category, Outcome, Category | None]:
    """What makes two deposits alike: their bin, how they ended, and where they belong if elsewhere."""
    outcome = outcome_of(deposit)
    belongs = deposit.verdict.category if deposit.verdict and outcome is Outcome.WRONG else None
    return deposit.bin_category, outcome, belongs


def _thing(bin_: Category, outcome: Outcome, belongs: Category | None, times: int) -> Thing:
    return Thing(
        bin=_bin(bin_),
        outcome=outcome,
        words=texts.outcome(outcome),
        belongs=None if belongs is None else _bin(belongs),
        times=times,
    )


def _bin(category: Category) -> Bin:
    sorting: Sorting = settings.SORTING
    face = sorting.category[category]
    return Bin(category, face.zh if texts.in_chinese() else face.en, face.icon)
