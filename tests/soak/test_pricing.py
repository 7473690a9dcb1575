"""The judge's own prices, held against the product's over any visit: each written apart from the other."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.rules.award_rules import AwardRules, Outcome, Tally, award, outcome_of, settle
from cloud_sync.wire.facts import DepositFacts, Role, VerdictFacts
from config.reading.load import load_toml
from config.sorting import Category
from config.words import SHIPPED_WORDS
from models.verdict import VerdictState
from scripts.soak.judge import pricing
from scripts.soak.judge.pricing import Day, prices_of
from scripts.soak.judge.reckoning import stated

FILE = SHIPPED_WORDS.with_name("award_rules.v1.toml")
RULES = load_toml(FILE, AwardRules)
PRICES = prices_of(tomllib.loads(FILE.read_text(encoding="utf-8")))

CATEGORIES = st.sampled_from(list(Category))
VERDICTS = st.one_of(
    st.none(),
    st.sampled_from([VerdictFacts(state, 0.5, "m") for state in (VerdictState.UNSURE, VerdictState.EMPTY)]),
    CATEGORIES.map(lambda category: VerdictFacts(VerdictState.OK, 0.9, "m", category)),
)
DEPOSITS = st.lists(
    st.builds(lambda where, verdict: DepositFacts("bin", where, 1.0, verdict), CATEGORIES, VERDICTS),
    max_size=16,
)


@given(DEPOSITS, st.booleans(), st.integers(0, 35), st.integers(0, 14), st.booleans(), st.integers(0, 40))
def test_the_judge_and_the_product_price_every_visit_alike(
    deposits: list[DepositFacts],
    staff: bool,  # noqa: FBT001
    points: int,
    number: int,
    bound: bool,  # noqa: FBT001
    spoken: int,
) -> None:
    theirs = award(deposits, Role.STAFF if staff else Role.RESIDENT, RULES, Tally(points, number))
    told = [(one.bin_category.value, stated(one)) for one in deposits]
    ours = pricing.earn(told, PRICES, Day(points, number), staff=staff)
    assert (ours.points, ours.deposits) == (theirs.points, theirs.counted)
    word, said = pricing.settle(spoken, ours, bound=bound), settle(spoken, theirs, bound=bound)
    assert (word.settled, word.held, word.lowered) == (said.settled, said.held, said.lowered)
    assert (word.lowered_by, word.held_by) == (said.lowered_by or "", said.held_by or "")


@given(DEPOSITS)
def test_the_judge_and_the_product_call_every_outcome_alike(deposits: list[DepositFacts]) -> None:
    assert [stated(one) for one in deposits] == [outcome_of(one).value for one in deposits]
    assert {pricing.RIGHT, pricing.WRONG, pricing.UNSURE, pricing.UNSEEN, pricing.NOTHING} == set(Outcome)
