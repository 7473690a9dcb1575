"""A household's statement as values: what was thrown in, how it ended, what it earned, in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core import signing
from django.urls import reverse

from cloud_sync.award_rules import Outcome, outcome_of
from cloud_sync.envelope import decode_event
from cloud_sync.facts import DepositFacts, VisitFacts
from cloud_sync.ledger.points import words
from cloud_sync.ledger.points.models import Account, Household, VisitSettlement
from config.sorting import Category, Sorting

SALT = "statement"
LINK_AGE = timedelta(days=90)
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
    """One visit. `notes` say why points were lowered or wait."""

    time: str
    points: int
    things: tuple[Thing, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """The visits of one local day, the latest first."""

    word: str
    visits: tuple[VisitLine, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One page of it. `older` is what to ask for to see what came before."""

    place: str
    household: str
    balance: int
    days: tuple[Day, ...]
    older: int | None
    latest: bool
    """Whether this is the first page, which grows while it is looked at."""


def statement_link(household: Household) -> str:
    """The address of a household's statement; whoever has it can read it for LINK_AGE."""
    token = signing.dumps(household.pk, salt=SALT)
    url: str = settings.LEDGER.url
    return url + reverse("statement", args=[token])


def household_of(token: str) -> Household | None:
    """Whose statement a link's token opens; None if it was not made here or is too old."""
    try:
        key = signing.loads(token, salt=SALT, max_age=LINK_AGE)
    except signing.BadSignature:
        return None
    return Household.objects.select_related("community").filter(pk=key).first()


def make_statement(household: Household, now: datetime, before: int | None = None) -> Statement:
    """The latest visits, or those that came before event `before`; words in the activated language."""
    zone = ZoneInfo(household.community.timezone)
    rows = VisitSettlement.objects.filter(household=household).select_related("event").order_by("-event_id")
    page = list((rows if before is None else rows.filter(event__lt=before))[: VISITS + 1])
    # Pages follow the order in which visits arrived, which never changes; within one they go by their time.
    shown = sorted(page[:VISITS], key=attrgetter("happened_at", "event_id"), reverse=True)
    today = now.astimezone(zone).date()
    days = (
        Day(words.day(day, today), tuple(_visit(row, zone) for row in visits))
        for day, visits in groupby(shown, attrgetter("local_day"))
    )
    return Statement(
        place=words.name(household.community),
        household=household.name or household.code,
        balance=Account.objects.get(household=household).balance,
        days=tuple(days),
        older=page[VISITS - 1].event_id if len(page) > VISITS else None,
        latest=before is None,
    )


def _visit(row: VisitSettlement, zone: ZoneInfo) -> VisitLine:
    facts = decode_event(bytes(row.event.body)).facts
    deposits = facts.deposits if isinstance(facts, VisitFacts) else ()
    return VisitLine(
        time=f"{row.happened_at.astimezone(zone):%H:%M}",
        points=row.settled,
        things=tuple(_thing(*kind, len(list(alike))) for kind, alike in groupby(deposits, _kind)),
        notes=words.notes(row),
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
        words=words.outcome(outcome),
        belongs=None if belongs is None else _bin(belongs),
        times=times,
    )


def _bin(category: Category) -> Bin:
    sorting: Sorting = settings.SORTING
    face = sorting.category[category]
    return Bin(category, face.zh if words.in_chinese() else face.en, face.icon)
