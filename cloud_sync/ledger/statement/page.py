"""A household's statement as values: what was thrown in, where it belongs, and what it earned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter
from zoneinfo import ZoneInfo

from django.conf import settings

from cloud_sync.ledger.communities.facts import sorting_of
from cloud_sync.ledger.points.models import Account, Household, Transfer, VisitSettlement
from cloud_sync.ledger.site.language import localized
from cloud_sync.ledger.statement import texts
from cloud_sync.ledger.statement.lines import MovementLine, movement_lines, owed, released
from cloud_sync.ledger.stations.models import Event
from cloud_sync.ledger.stations.names import community_name
from cloud_sync.rules.award_rules import Outcome, outcome_of
from cloud_sync.wire.envelope import decode_event
from cloud_sync.wire.facts import DepositFacts, VisitFacts
from config.sorting import Category, Sorting
from models.bundle import Label

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
    """Consecutive deposits of the same label into one bin with the same outcome."""

    bin: Bin
    outcome: Outcome
    words: str
    """What it was, and whether it was right or where it belongs."""
    belongs: Bin | None
    """The right bin of a wrong deposit."""
    times: int


@dataclass(frozen=True, slots=True)
class VisitLine:
    """One visit and what it earned at once; `notes` say why points are fewer, on hold, or came later."""

    time: str
    points: int
    things: tuple[Thing, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """One local day with its visits and other movements, each the latest first."""

    word: str
    visits: tuple[VisitLine, ...]
    movements: tuple[MovementLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """One page. `older` is the `before` of the next page, None on the last.

    Over all pages the points of all lines add up to `balance`.
    """

    place: str
    community: str
    """The community's slug; the page selects its colours by it."""
    household: str
    balance: int
    owed: str
    """The open debt in a sentence; empty without one."""
    days: tuple[Day, ...]
    older: int | None
    latest: bool
    """Whether this is the first page, which refreshes itself while it is shown."""


@dataclass(frozen=True, slots=True)
class _Here:
    """The facts of a community that its households' statements need."""

    zone: ZoneInfo
    sorting: Sorting


def make_statement(household: Household, now: datetime, before: int | None = None) -> Statement:
    """Build the page of the latest visits, or of those before event `before`, in the activated language."""
    here = _Here(ZoneInfo(household.community.timezone), sorting_of(household.community))
    rows = VisitSettlement.objects.filter(household=household).select_related("event").order_by("-event_id")
    page = list((rows if before is None else rows.filter(event__lt=before))[: VISITS + 1])
    # Pages split by order of arrival, because that never changes; within a page visits are sorted by time.
    shown = sorted(page[:VISITS], key=attrgetter("happened_at", "event_id"), reverse=True)
    older = page[VISITS - 1] if len(page) > VISITS else None
    since = None if older is None else older.event.received_at
    movements = movement_lines(household, here.zone, since, _arrival(before))
    return Statement(
        place=community_name(household.community),
        community=household.community.slug,
        household=household.name or household.code,
        balance=Account.objects.get(household=household).balance,
        owed=texts.owed(debt) if (debt := owed(household)) else "",
        days=_days(shown, movements, now, here),
        older=None if older is None else older.event_id,
        latest=before is None,
    )


def _arrival(event: int | None) -> datetime | None:
    found = Event.objects.filter(pk=0 if event is None else event)
    return found.values_list("received_at", flat=True).first()


def _days(
    shown: Sequence[VisitSettlement], lines: Sequence[MovementLine], now: datetime, here: _Here
) -> tuple[Day, ...]:
    today = now.astimezone(here.zone).date()
    given_later = released(row.event_id for row in shown)
    visits: dict[date, list[VisitLine]] = {}
    for row in shown:
        visits.setdefault(row.local_day, []).append(_visit(row, here, given_later.get(row.event_id), today))
    movements: dict[date, list[MovementLine]] = {}
    for line in lines:
        movements.setdefault(line.day, []).append(line)
    return tuple(
        Day(texts.day(day, today), tuple(visits.get(day, ())), tuple(movements.get(day, ())))
        for day in sorted(visits.keys() | movements.keys(), reverse=True)
    )


def _visit(row: VisitSettlement, here: _Here, later: Transfer | None, today: date) -> VisitLine:
    body = bytes(row.event.body)  # empty for a visit that was erased
    facts = decode_event(body).facts if body else None
    deposits = facts.deposits if isinstance(facts, VisitFacts) else ()
    notes = texts.notes(row)
    if later is not None:
        notes += (texts.given_later(later.points, later.created_at.astimezone(here.zone).date(), today),)
    return VisitLine(
        time=f"{row.happened_at.astimezone(here.zone):%H:%M}",
        points=row.settled - (later.points if later else 0),
        things=tuple(
            _thing(here.sorting, *kind, len(list(alike))) for kind, alike in groupby(deposits, _kind)
        ),
        notes=notes,
    )


def _kind(deposit: DepositFacts) -> tuple[Category, Outcome, Category | None, str]:
    """Return what makes two deposits alike: bin, outcome, the right bin of a wrong one, and label."""
    outcome, verdict = outcome_of(deposit), deposit.verdict
    belongs = verdict.category if verdict and outcome is Outcome.WRONG else None
    label = verdict.label if verdict and outcome in {Outcome.RIGHT, Outcome.WRONG} else None
    return deposit.bin_category, outcome, belongs, label or ""


def _thing(
    sorting: Sorting, bin_: Category, outcome: Outcome, belongs: Category | None, label: str, times: int
) -> Thing:
    right = None if belongs is None else _bin(sorting, belongs)
    words = texts.deposit(outcome, _label(label), "" if right is None else right.word)
    return Thing(bin=_bin(sorting, bin_), outcome=outcome, words=words, belongs=right, times=times)


def _label(key: str) -> str:
    """Return the words of the shipped model's label; empty for a label of another model."""
    labels: Mapping[str, Label] = settings.LABELS
    return localized(labels[key].zh, labels[key].en) if key in labels else ""


def _bin(sorting: Sorting, category: Category) -> Bin:
    face = sorting.category[category]
    return Bin(category, localized(face.zh, face.en), face.icon)
