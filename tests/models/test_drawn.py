"""The shipped model on what the demo's residents throw: drawn things, picked by what it says of them."""

from __future__ import annotations

from random import Random

import pytest

from config.sorting import Category
from edge.sim.photos.drawn import DRAWN, DrawnThings
from edge.sim.photos.thrown import Particular
from models.runtime import Classifier
from models.verdict import VerdictState
from scripts.demonstration.opening import RIGHT, UNSURE, WRONG

NEVER_SURE = "medicine"
LABELS = {
    "can": "can",
    "glass-bottle": "glass",
    "plastic-bottle": "plastic",
    "newspaper": "newspaper",
    "dry-cell": "dry_cell",
    "orange": "orange_peel",
    "eggshells": "eggshell",
    "banana-peel": "banana_peel",
    "chopsticks": "chopsticks",
}
THINGS = [(category, name) for category, things in DRAWN.items() for name in things]
TRAYS = range(6)


@pytest.mark.parametrize(("category", "name"), THINGS)
def test_a_drawn_thing_is_never_given_another_category_with_certainty(
    classifier: Classifier, category: Category, name: str
) -> None:
    pictures = [DrawnThings().draw(Random(1), Particular(category, name, seed)).picture for seed in TRAYS]
    verdicts = [classifier.classify([picture]) for picture in pictures]
    assert {one.category for one in verdicts} <= {category, None}
    assert {one.label for one in verdicts if one.state is VerdictState.OK} <= {LABELS.get(name)}
    assert any(one.state is VerdictState.OK for one in verdicts) == (name != NEVER_SURE)


@pytest.mark.parametrize(
    ("thing", "state"), [(RIGHT, VerdictState.OK), (WRONG, VerdictState.OK), (UNSURE, VerdictState.UNSURE)]
)
def test_the_demos_first_visits_are_right_wrong_and_unsure(
    classifier: Classifier, thing: Particular, state: VerdictState
) -> None:
    verdict = classifier.classify([DrawnThings().draw(Random(1), thing).picture])
    assert verdict.state is state
    assert verdict.category in {thing.category, None}


def test_the_same_seed_draws_the_same_picture() -> None:
    one, other = (DrawnThings().draw(Random(number), RIGHT) for number in (1, 2))
    assert (one.picture == other.picture).all()
    assert one.name == other.name == "orange"


def test_an_unknown_name_draws_any_thing_of_its_category() -> None:
    thing = DrawnThings().draw(Random(1), Particular(Category.OTHER, "umbrella", 1))
    assert thing.category is Category.OTHER
    assert thing.name in DRAWN[Category.OTHER]
