"""Which deposits are kept, and what a day's budget is spent on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.sorting import Category
from edge.eye.clips.choose import (
    OUTSIDE_THE_BUDGET,
    RANK,
    Budget,
    Chances,
    ClipReason,
    KeptClip,
    SeenDeposit,
    admit,
    reason_of,
    worth_of,
)
from models.verdict import Verdict, VerdictState

BUDGET = Budget(daily=10, random_share=0.05)
NEVER = Chances(sample=1.0, gold=1.0)
ALWAYS_GOLD = Chances(sample=1.0, gold=0.0)


def said(state: VerdictState, probability: float = 0.95, category: Category | None = None) -> Verdict:
    return Verdict(state, category, "banana_peel", probability, "waste 1.0")


RIGHT = said(VerdictState.OK, 0.99, Category.KITCHEN)
WRONG = said(VerdictState.OK, 0.95, Category.RECYCLABLE)
UNSURE = said(VerdictState.UNSURE, 0.6)
EMPTY = said(VerdictState.EMPTY, 0.1)


def seen(
    verdict: Verdict | None, *, differ: bool = False, alarm: bool = False, appeal: bool = False
) -> SeenDeposit:
    return SeenDeposit(Category.KITCHEN, verdict, differ, alarm, appeal)


@pytest.mark.parametrize(
    ("deposit", "chances", "reason"),
    [
        (seen(RIGHT), NEVER, None),
        (seen(WRONG), NEVER, ClipReason.DISAGREEMENT),
        (seen(RIGHT, differ=True), NEVER, ClipReason.DISAGREEMENT),
        (seen(UNSURE), NEVER, ClipReason.UNSURE),
        (seen(UNSURE, differ=True), NEVER, ClipReason.DISAGREEMENT),
        (seen(EMPTY), NEVER, None),
        (seen(EMPTY, differ=True), NEVER, None),
        (seen(None), NEVER, None),
        (seen(None, alarm=True), NEVER, ClipReason.ALARM),
        (seen(RIGHT, alarm=True, appeal=True), NEVER, ClipReason.ALARM),
        (seen(RIGHT, appeal=True), NEVER, ClipReason.APPEAL),
        (seen(RIGHT), ALWAYS_GOLD, ClipReason.GOLD),
        (seen(said(VerdictState.OK, 0.97, Category.KITCHEN)), ALWAYS_GOLD, None),
        (seen(WRONG), Chances(sample=0.04, gold=1.0), ClipReason.RANDOM),
        (seen(None), Chances(sample=0.04, gold=1.0), ClipReason.RANDOM),
        (seen(RIGHT), Chances(sample=0.05, gold=1.0), None),
    ],
)
def test_the_first_reason_that_holds_is_stored(
    deposit: SeenDeposit, chances: Chances, reason: ClipReason | None
) -> None:
    assert reason_of(deposit, BUDGET, chances) is reason


def test_a_doubtful_verdict_is_worth_more_and_a_sure_disagreement_too() -> None:
    unsure = [worth_of(ClipReason.UNSURE, said(VerdictState.UNSURE, share)) for share in (0.3, 0.6, 0.9)]
    wrong = [
        worth_of(ClipReason.DISAGREEMENT, said(VerdictState.OK, share, Category.OTHER))
        for share in (0.92, 0.99)
    ]
    assert unsure == sorted(unsure, reverse=True)
    assert wrong == sorted(wrong)
    assert worth_of(ClipReason.RANDOM, None) == 0.0


CLIPS = st.lists(
    st.tuples(st.sampled_from(list(ClipReason)), st.floats(0, 1, allow_nan=False)), max_size=60
).map(lambda found: [KeptClip(str(number), reason, worth) for number, (reason, worth) in enumerate(found)])


def a_day(offered: list[KeptClip], budget: Budget) -> dict[str, KeptClip]:
    kept: dict[str, KeptClip] = {}
    for clip in offered:
        admission = admit(clip, kept.values(), budget)
        if admission is not None:
            if admission.instead_of is not None:
                del kept[admission.instead_of]
            kept[clip.id] = clip
    return kept


@given(CLIPS, st.integers(0, 20))
def test_a_day_ends_with_its_most_informative_clips_whatever_came_first(
    offered: list[KeptClip], daily: int
) -> None:
    budget = Budget(daily, 0.05)
    kept = a_day(offered, budget)
    ranked = [one for one in offered if one.reason not in OUTSIDE_THE_BUDGET | {ClipReason.RANDOM}]
    best = sorted(((RANK[one.reason], one.worth) for one in ranked), reverse=True)[
        : daily - budget.for_random
    ]
    mine = [one for one in kept.values() if one.reason not in OUTSIDE_THE_BUDGET | {ClipReason.RANDOM}]
    assert sorted(((RANK[one.reason], one.worth) for one in mine), reverse=True) == best


@given(CLIPS, st.integers(0, 20))
def test_alarms_and_appeals_are_outside_the_budget_and_random_ones_keep_to_their_share(
    offered: list[KeptClip], daily: int
) -> None:
    budget = Budget(daily, 0.05)
    kept = a_day(offered, budget)
    outside = [one.id for one in offered if one.reason in OUTSIDE_THE_BUDGET]
    assert [one for one in outside if one not in kept] == []
    assert len(kept) - len(outside) <= daily
    random = [one.id for one in offered if one.reason is ClipReason.RANDOM]
    assert [one for one in random if one in kept] == random[: budget.for_random]
