"""The judge's reckoning: silent where station and ledger did what people called for, loud elsewhere."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from zoneinfo import ZoneInfo

import msgspec
import pytest

from cloud_sync.wire.facts import (
    Credential,
    DepositFacts,
    OpeningFacts,
    Role,
    Stamp,
    VerdictFacts,
    VisitFacts,
)
from config.sorting import Category
from config.words import SHIPPED_WORDS
from edge.sim.people.witnessed import LidStoodOpen, PointsSpoken, RecordKept, ThingThrown
from models.verdict import VerdictState
from scripts.soak.invariants import Account, Evidence, Ledger, judge
from scripts.soak.judge.pricing import prices_of
from scripts.soak.judge.reckoning import Life, Town, may_be_told
from scripts.soak.judge.rows import EventId, Journal, Row, Settlement
from tests.edge.builders import card

RULES = tomllib.loads(SHIPPED_WORDS.with_name("award_rules.v1.toml").read_text(encoding="utf-8"))
ZHANG, STRANGER, STAFF = card("zhang"), card("?"), card("staff")
DAY = "2026-05-01"
NOON_S = 1_777_608_000.0
TOWN = Town(
    prices_of(RULES), ZoneInfo("Asia/Shanghai"), {ZHANG: "1-101"}, frozenset({STAFF}), frozenset({"north"})
)
KITCHEN = Category.KITCHEN


def name(number: int) -> EventId:
    return ("north", "e1", number)


def seen(category: Category | None) -> VerdictFacts:
    if category is None:
        return VerdictFacts(VerdictState.UNSURE, 0.4, "m")
    return VerdictFacts(VerdictState.OK, 0.9, "m", category)


def row(who: str, points: int, *looks: Category | None, at: float, role: Role = Role.RESIDENT) -> Row:
    """A visit at the kitchen bin that ended at `at`, 20 s after it began."""
    deposits = tuple(DepositFacts("kitchen", KITCHEN, 5.0, seen(look)) for look in looks)
    openings = (OpeningFacts("kitchen", 2.0, 18.0),)
    facts = VisitFacts(who, Credential.EM4100, role, 20.0, openings, deposits, 1, points)
    stamp = Stamp(NOON_S + at, trusted=True, boot="b", monotonic_s=at)
    return Row(f"{who} {at}", points, who, receipted=True, visit=facts, stamp=stamp)


def threw(who: str, look: str, at: float) -> ThingThrown:
    return ThingThrown(
        station="north", epoch="e1", at=at, card=who, bin="kitchen", name=f"0-{look}", category="kitchen"
    )


def kept(number: int, who: str, points: int, at: float) -> RecordKept:
    return RecordKept(
        station="north", epoch="e1", sequence=number, points=points, card=who, began_at=at - 20, ended_at=at
    )


def opened(at: float) -> LidStoodOpen:
    return LidStoodOpen(station="north", epoch="e1", at=at, bin="kitchen")


def spoke(prompt: str, points: int) -> PointsSpoken:
    return PointsSpoken(station="north", epoch="e1", prompt=prompt, points=points)


def said(points: int, order: int, **changes: object) -> Settlement:
    word = Settlement(points, points, 0, 0, given=points, waiting=0, day=DAY, timed="stated", order=order)
    return replace(word, **changes)  # type: ignore[arg-type]


def world() -> Evidence:
    """Zhang threw in something right and something wrong, a stranger something unclear, staff came too."""
    rows = {
        name(1): row(ZHANG, 2, KITCHEN, Category.OTHER, at=30.0),
        name(2): row(STRANGER, 1, None, at=60.0, role=Role.UNKNOWN),
        name(3): row(STAFF, 0, KITCHEN, at=90.0, role=Role.STAFF),
    }
    life = Life(
        threw=[
            threw(ZHANG, "kitchen", 15), threw(ZHANG, "other", 17),
            threw(STRANGER, "unsure", 45), threw(STAFF, "kitchen", 75),
        ],
        opened=[opened(12), opened(42), opened(72)],
        spoke=[spoke("points", 2), spoke("points_held", 1), spoke("staff_done", 0)],
        kept=[kept(1, ZHANG, 2, 30), kept(2, STRANGER, 1, 60), kept(3, STAFF, 0, 90)],
    )  # fmt: skip
    settlements = [
        (name(1), said(2, 1)),
        (name(2), said(1, 2, settled=0, held=1, waiting=1, held_by="unknown_card")),
        (name(3), said(0, 3)),
    ]
    accounts = [
        Account("issuing", -3, -3, may_owe=True),
        Account("suspense", 1, 1, may_owe=False),
        Account("1-101", 2, 2, may_owe=False),
    ]
    return Evidence(
        journals=[Journal("north", rows)],
        ledger=Ledger(list(rows), {}, settlements, accounts),
        told={name(1): 2, name(2): 1, name(3): 0},
        lives={("north", "e1"): life},
        looks={"0-kitchen": "kitchen", "0-other": "other", "0-unsure": "unsure"},
        town=TOWN,
    )


def test_what_people_did_and_the_rules_made_of_it_is_no_problem_and_is_counted() -> None:
    judgement = judge(world())
    assert judgement.problems == ()
    assert judgement.outcomes == {"right": 2, "wrong": 1, "unsure": 1}


def life(evidence: Evidence) -> Life:
    return evidence.lives["north", "e1"]


def with_row(evidence: Evidence, number: int, **changes: object) -> Evidence:
    rows = dict(evidence.journals[0].rows)
    rows[name(number)] = replace(rows[name(number)], **changes)  # type: ignore[arg-type]
    return replace(evidence, journals=[Journal("north", rows)])


def with_word(evidence: Evidence, number: int, **changes: object) -> Evidence:
    settlements = [
        (event, replace(word, **changes) if event == name(number) else word)  # type: ignore[arg-type]
        for event, word in evidence.ledger.settlements
    ]
    return replace(evidence, ledger=replace(evidence.ledger, settlements=settlements))


def lowered_for(reason: str) -> Callable[[Evidence], Evidence]:
    return lambda one: with_word(one, 1, settled=1, lowered=1, given=1, lowered_by=reason)


def as_seen(one: Evidence, *looks: Category | None) -> Evidence:
    """The first visit's record says that its deposits looked like this."""
    visit = one.journals[0].rows[name(1)].visit
    assert visit is not None
    deposits = tuple(DepositFacts("kitchen", KITCHEN, 5.0, seen(look)) for look in looks)
    return with_row(one, 1, visit=msgspec.structs.replace(visit, deposits=deposits))


def forgetting(what: str) -> Callable[[Evidence], Evidence]:
    def forget(one: Evidence) -> Evidence:
        getattr(life(one), what).pop(0)
        return one

    return forget


def telling(word: PointsSpoken | LidStoodOpen | RecordKept) -> Callable[[Evidence], Evidence]:
    def add(one: Evidence) -> Evidence:
        match word:
            case PointsSpoken():
                life(one).spoke.append(word)
            case LidStoodOpen():
                life(one).opened.append(word)
            case RecordKept():
                life(one).kept.append(word)
        return one

    return add


DEFECTS: dict[str, tuple[Callable[[Evidence], Evidence], str]] = {
    "a deposit was not recorded": (
        lambda one: as_seen(one, KITCHEN),
        "not what was thrown in: north e1/1: thrown in kitchen right, kitchen wrong, on the journal",
    ),
    "a deposit was made up": (
        lambda one: as_seen(one, KITCHEN, Category.OTHER, None),
        "not what was thrown in: north e1/1",
    ),
    "a wrong one passed for right": (
        lambda one: as_seen(one, KITCHEN, KITCHEN),
        "not what was thrown in: north e1/1",
    ),
    "the station spoke too much": (
        lambda one: with_word(with_row(one, 1, points=3), 1, provisional=3, settled=3, given=3),
        "priced wrong at the station: north e1/1: 3 spoken, 2 earned by kitchen right, kitchen wrong",
    ),
    "the ledger lowered what it had to settle": (
        lowered_for("recounted"),
        "settled against the rules: north e1/1: the ledger says settled 1, held 0 , lowered 1 recounted",
    ),
    "the ledger held a bound card's points": (
        lambda one: with_word(one, 1, settled=0, held=2, waiting=2, held_by="unknown_card"),
        "settled against the rules: north e1/1",
    ),
    "the ledger settled a stranger's points": (
        lambda one: with_word(one, 2, settled=1, held=0, waiting=0, held_by=""),
        "settled against the rules: north e1/2",
    ),
    "points were held for another reason": (
        lambda one: with_word(one, 2, held_by="mint_limit"),
        "settled against the rules: north e1/2",
    ),
    "a visit was counted to another day": (
        lambda one: with_word(one, 1, day="2026-04-30"),
        "settled against the rules: north e1/1: counted to 2026-04-30, stamped otherwise",
    ),
    "an opening on the journal that nobody saw": (
        forgetting("opened"),
        "not what was seen: north e1/1: nobody saw kitchen open",
    ),
    "a lid opened for nobody": (
        lambda one: telling(kept(4, STAFF, 0, 900))(telling(opened(300))(one)),
        "not what was seen: north e1: kitchen stood open at 300.0 s for no visit",
    ),
    "points were spoken that no disk has": (
        telling(spoke("points", 2)),
        "not what was heard: north e1: heard points 2, of no visit",
    ),
    "a visit was kept after one that ended later": (
        telling(kept(4, ZHANG, 0, 50)),
        "out of order: north e1/4 ended before the one kept before it",
    ),
}


@pytest.mark.parametrize(("plant", "line"), DEFECTS.values(), ids=DEFECTS)
def test_a_planted_defect_is_found_and_named(plant: Callable[[Evidence], Evidence], line: str) -> None:
    problems = judge(plant(world())).problems
    assert any(problem.startswith(line) for problem in problems), problems


def test_a_day_that_is_full_lowers_for_its_reason_and_no_other() -> None:
    rows = {name(number): row(ZHANG, 2, KITCHEN, at=30.0 * number) for number in range(1, 14)}
    rows[name(13)] = replace(rows[name(13)], points=0)
    words = [(name(number), said(2, number)) for number in range(1, 13)] + [(name(13), said(0, 13))]
    evidence = replace(
        world(),
        journals=[Journal("north", rows)],
        ledger=Ledger(list(rows), {}, words, []),
        told={},
        lives={},
    )
    assert judge(evidence).problems == ()
    spoken = with_row(evidence, 13, points=2)
    lowered = with_word(spoken, 13, provisional=2, lowered=2, lowered_by="daily_points")
    wrong = (
        "settled against the rules: north e1/13: the ledger says settled 0, held 0 , lowered 2 daily_points"
    )
    assert judge(lowered).problems[-1].startswith(wrong)


def test_a_station_whose_eye_is_not_known_is_priced_by_its_own_verdicts() -> None:
    evidence = world()
    assert evidence.town is not None
    blind = replace(evidence, town=replace(evidence.town, certain=frozenset()))
    assert judge(blind).problems == ()
    assert judge(as_seen(blind, KITCHEN)).problems[0].startswith("not what was thrown in")


@pytest.mark.parametrize(
    ("thrown", "written", "is_true"),
    [
        ("kitchen kitchen", "kitchen:right kitchen:wrong", True),
        ("kitchen", "kitchen:right kitchen:right", False),
        ("kitchen other", "other:right", False),
        ("kitchen other", "other:right kitchen:unseen", True),
        ("kitchen kitchen", "kitchen:unseen", True),
        ("", "kitchen:unseen", True),
        ("kitchen", "other:unseen", False),
    ],
)
def test_an_eye_that_may_have_died_tells_too_little_only_beside_a_deposit_that_counts_as_unseen(
    thrown: str, written: str, *, is_true: bool
) -> None:
    had = [(bin_id, "") for bin_id in thrown.split()]
    told = [(one.partition(":")[0], one.partition(":")[2]) for one in written.split()]
    assert may_be_told(had, told) is is_true
