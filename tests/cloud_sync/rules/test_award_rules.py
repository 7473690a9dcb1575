"""What a visit earns, and what is settled of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.rules.award_rules import (
    Award,
    AwardRules,
    DailyCaps,
    HeldBy,
    Line,
    LoweredBy,
    Outcome,
    OutcomePoints,
    Tally,
    award,
    outcome_of,
    settle,
)
from cloud_sync.wire.facts import DepositFacts, Role, VerdictFacts
from config.errors import InputError
from config.reading.load import convert, load_toml
from config.sorting import Category
from config.words import SHIPPED_WORDS
from models.verdict import VerdictState

SHIPPED = load_toml(SHIPPED_WORDS.with_name("award_rules.v1.toml"), AwardRules)
KITCHEN = Category.KITCHEN


def seen(state: VerdictState, category: Category | None = None) -> VerdictFacts:
    return VerdictFacts(state, 0.9, "waste 1.0", category)


def deposit(verdict: VerdictFacts | None, bin_category: Category = KITCHEN) -> DepositFacts:
    return DepositFacts("bin", bin_category, 1.0, verdict)


RIGHT = deposit(seen(VerdictState.OK, KITCHEN))
WRONG = deposit(seen(VerdictState.OK, Category.OTHER))
UNSURE = deposit(seen(VerdictState.UNSURE))
UNSEEN = deposit(None)
EMPTY = deposit(seen(VerdictState.EMPTY))

VERDICTS = st.one_of(
    st.none(),
    st.sampled_from([seen(VerdictState.UNSURE), seen(VerdictState.EMPTY)]),
    st.sampled_from(Category).map(lambda category: seen(VerdictState.OK, category)),
)
DEPOSITS = st.lists(st.builds(deposit, VERDICTS, st.sampled_from(Category)), max_size=32)
POINTS = st.integers(0, 50)
RULES = st.builds(
    AwardRules,
    st.just(7),
    st.fixed_dictionaries(dict.fromkeys(Category, POINTS)),
    st.builds(OutcomePoints, POINTS, POINTS),
    st.builds(DailyCaps, st.integers(0, 200), st.integers(0, 8)),
)
TALLIES = st.builds(Tally, st.integers(0, 100), st.integers(0, 6))
ROLES = st.sampled_from(Role)


# --- examples -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "outcome", "points"),
    [
        (RIGHT, Outcome.RIGHT, 2),
        (WRONG, Outcome.WRONG, 0),
        (UNSURE, Outcome.UNSURE, 1),
        (UNSEEN, Outcome.UNSEEN, 1),
        (EMPTY, Outcome.NOTHING, 0),
    ],
)
def test_each_outcome_under_the_shipped_rules(one: DepositFacts, outcome: Outcome, points: int) -> None:
    assert outcome_of(one) is outcome
    earned = award([one], Role.RESIDENT, SHIPPED, Tally())
    assert earned.lines == (Line(outcome, points, points),)
    assert earned.counted == (outcome is not Outcome.NOTHING)


@pytest.mark.parametrize(
    ("category", "points"), [("recyclable", 2), ("kitchen", 2), ("hazardous", 5), ("other", 1)]
)
def test_what_the_right_bin_earns_by_category(category: str, points: int) -> None:
    right = deposit(seen(VerdictState.OK, Category(category)), Category(category))
    assert award([right], Role.RESIDENT, SHIPPED, Tally()).points == points


def test_an_unknown_card_earns_as_a_resident_does() -> None:
    assert award([RIGHT, UNSURE], Role.UNKNOWN, SHIPPED, Tally()).points == 3


def test_the_last_points_of_a_day_are_given_in_part_and_say_why() -> None:
    earned = award([RIGHT, RIGHT], Role.RESIDENT, SHIPPED, Tally(points=29))
    assert earned.lines == (
        Line(Outcome.RIGHT, 2, 1, LoweredBy.DAILY_POINTS),
        Line(Outcome.RIGHT, 2, 0, LoweredBy.DAILY_POINTS),
    )


def test_deposits_beyond_the_daily_limit_earn_nothing_and_say_why() -> None:
    earned = award([EMPTY, RIGHT, RIGHT], Role.RESIDENT, SHIPPED, Tally(deposits=11))
    assert [(line.points, line.lowered_by) for line in earned.lines] == [
        (0, None),
        (2, None),
        (0, LoweredBy.DAILY_DEPOSITS),
    ]


def test_no_cap_lowers_a_wrong_deposit() -> None:
    earned = award([WRONG], Role.RESIDENT, SHIPPED, Tally(points=30))
    assert earned.lines == (Line(Outcome.WRONG, 0, 0),)


# --- properties of an award ---------------------------------------------------------------------


@given(deposits=DEPOSITS, role=ROLES, rules=RULES, tally=TALLIES)
def test_points_are_never_negative_and_never_above_what_the_day_has_left(
    deposits: list[DepositFacts], role: Role, rules: AwardRules, tally: Tally
) -> None:
    earned = award(deposits, role, rules, tally)
    assert all(0 <= line.points <= line.full for line in earned.lines)
    assert earned.points <= max(0, rules.daily.points - tally.points)
    paid = sum(line.points > 0 for line in earned.lines)
    assert paid <= max(0, rules.daily.deposits - tally.deposits)


@given(deposits=DEPOSITS, role=ROLES, rules=RULES, tally=TALLIES)
def test_there_is_a_line_for_each_deposit_and_a_reason_for_each_point_not_given(
    deposits: list[DepositFacts], role: Role, rules: AwardRules, tally: Tally
) -> None:
    earned = award(deposits, role, rules, tally)
    assert [line.outcome for line in earned.lines] == [outcome_of(one) for one in deposits]
    for line in earned.lines:
        assert line.points == line.full or line.lowered_by is not None
    nothings = sum(line.outcome is Outcome.NOTHING for line in earned.lines)
    assert earned.counted == len(deposits) - nothings


@given(deposits=DEPOSITS, rules=RULES, tally=TALLIES)
def test_staff_earn_nothing(deposits: list[DepositFacts], rules: AwardRules, tally: Tally) -> None:
    assert award(deposits, Role.STAFF, rules, tally).points == 0


@given(deposits=DEPOSITS, role=ROLES, rules=RULES, tally=TALLIES, more=TALLIES)
def test_a_higher_tally_never_earns_more(
    deposits: list[DepositFacts], role: Role, rules: AwardRules, tally: Tally, more: Tally
) -> None:
    larger = Tally(tally.points + more.points, tally.deposits + more.deposits)
    assert award(deposits, role, rules, larger).points <= award(deposits, role, rules, tally).points


@given(first=DEPOSITS, second=DEPOSITS, rules=RULES, tally=TALLIES)
def test_one_visit_earns_what_two_would(
    first: list[DepositFacts], second: list[DepositFacts], rules: AwardRules, tally: Tally
) -> None:
    whole = award(first + second, Role.RESIDENT, rules, tally)
    early = award(first, Role.RESIDENT, rules, tally)
    between = Tally(tally.points + early.points, tally.deposits + early.counted)
    late = award(second, Role.RESIDENT, rules, between)
    assert whole.lines == early.lines + late.lines


@given(deposits=DEPOSITS, extra=st.builds(deposit, VERDICTS), rules=RULES)
def test_one_more_deposit_never_costs_points(
    deposits: list[DepositFacts], extra: DepositFacts, rules: AwardRules
) -> None:
    without = award(deposits, Role.RESIDENT, rules, Tally())
    assert award([*deposits, extra], Role.RESIDENT, rules, Tally()).points >= without.points


# --- settlement ---------------------------------------------------------------------------------


@given(
    provisional=st.integers(0, 300),
    deposits=DEPOSITS,
    role=ROLES,
    rules=RULES,
    tally=TALLIES,
    bound=st.booleans(),
)
def test_settled_held_and_lowered_make_up_the_provisional_points(
    provisional: int,
    deposits: list[DepositFacts],
    role: Role,
    rules: AwardRules,
    tally: Tally,
    bound: bool,  # noqa: FBT001
) -> None:
    earned = award(deposits, role, rules, tally)
    settlement = settle(provisional, earned, bound=bound)
    assert settlement.settled + settlement.held + settlement.lowered == provisional
    assert min(settlement.settled, settlement.held, settlement.lowered) >= 0
    assert settlement.settled + settlement.held <= earned.points
    assert (settlement.held if bound else settlement.settled) == 0
    assert (settlement.lowered_by is not None) == (settlement.lowered > 0)
    assert (settlement.held_by is not None) == (settlement.held > 0)


@pytest.mark.parametrize(
    ("provisional", "lines", "lowered", "reason"),
    [
        (2, (Line(Outcome.RIGHT, 2, 2),), 0, None),
        (2, (Line(Outcome.RIGHT, 2, 1, LoweredBy.DAILY_POINTS),), 1, LoweredBy.DAILY_POINTS),
        (9, (Line(Outcome.RIGHT, 2, 2),), 7, LoweredBy.RECOUNTED),
        (1, (Line(Outcome.RIGHT, 2, 2),), 0, None),
        (3, (), 3, LoweredBy.RECOUNTED),
    ],
    ids=["agreed", "a cap elsewhere", "the station overstated", "the station understated", "no deposits"],
)
def test_lowered_points_have_a_reason(
    provisional: int, lines: tuple[Line, ...], lowered: int, reason: LoweredBy | None
) -> None:
    settlement = settle(provisional, Award(lines), bound=True)
    assert (settlement.lowered, settlement.lowered_by) == (lowered, reason)


def test_an_unbound_cards_points_are_held_and_say_why() -> None:
    settlement = settle(2, Award((Line(Outcome.RIGHT, 2, 2),)), bound=False)
    assert (settlement.settled, settlement.held, settlement.held_by) == (0, 2, HeldBy.UNKNOWN_CARD)
    assert settle(0, Award(()), bound=False).held_by is None


# --- the rules' file ----------------------------------------------------------------------------


def test_rules_without_points_for_a_category_are_refused() -> None:
    data = {
        "version": 1,
        "right": {"kitchen": 1, "other": 1},
        "points": {"neutral": 1, "wrong": 0},
        "daily": {"points": 1, "deposits": 1},
    }
    with pytest.raises(InputError, match="no points for recyclable, hazardous"):
        convert(data, AwardRules, "rules.toml")
