"""The terminal's line a visit: plain words, names as the bins have them, never a code."""

from __future__ import annotations

from random import Random

import pytest

from cloud_sync.rules.award_rules import Award, Line, Outcome
from cloud_sync.wire.facts import Credential, DepositFacts, Role, VerdictFacts, VisitFacts
from config.reading.load_sorting import load_sorting
from config.sorting import Category
from config.words import Both
from edge.sim.people.town import neighbourhood
from models.verdict import VerdictState
from scripts.commands.demo import summary
from scripts.demonstration.console import VisitLines
from scripts.demonstration.day import CategoryDay
from scripts.demonstration.report import DemoReport, Quantiles

PEOPLE = neighbourhood(Random(1), b"k" * 32)
SORTING = load_sorting("beijing")
NAMES = {category: SORTING.category[category].en for category in Category}
LABELS = {"glass": Both("玻璃瓶罐", "Glass")}


def deposit(state: VerdictState | None, category: Category | None = None) -> DepositFacts:
    label = None if state is VerdictState.EMPTY else "glass"
    verdict = None if state is None else VerdictFacts(state, 0.9, "waste-0.4", category, label)
    return DepositFacts("other", Category.OTHER, 1.0, verdict)


def line(*deposits: DepositFacts, points: int, card: str, role: Role = Role.RESIDENT) -> str:
    facts = VisitFacts(card, Credential.EM4100, role, 9.0, (), deposits, 1, points)
    return VisitLines(PEOPLE, SORTING, LABELS).line(facts, Award((Line(Outcome.RIGHT, points, points),)))


@pytest.mark.parametrize(
    ("thrown", "said"),
    [
        (deposit(VerdictState.UNSURE), "Glass? into {other}, unsure"),
        (deposit(VerdictState.OK, Category.OTHER), "Glass into {other}, right"),
        (deposit(VerdictState.OK, Category.RECYCLABLE), "Glass into {other}, wrong: next time {recyclable}"),
        (deposit(None), "something into {other}, not seen"),
        (deposit(VerdictState.EMPTY), "no waste at {other}: a hand or a shadow"),
    ],
)
def test_a_deposit_is_said_in_plain_words(thrown: DepositFacts, said: str) -> None:
    resident = PEOPLE.residents[0]
    words = said.format(**{category.value: name for category, name in NAMES.items()})
    assert line(thrown, points=3, card=resident.card) == f"   1  {resident.name}: {words}  +3"


def test_a_visit_without_a_deposit_says_so() -> None:
    assert line(points=0, card=PEOPLE.residents[0].card).endswith(": nothing thrown in  +0")


def test_the_points_of_a_card_that_nobody_registered_are_on_hold() -> None:
    said = line(deposit(None), points=1, card=PEOPLE.strangers[0].card, role=Role.UNKNOWN)
    assert said.startswith("   1  unregistered card: ")
    assert said.endswith("  +1 on hold")


def test_at_the_end_a_person_reads_the_day_by_category() -> None:
    day = {Category.KITCHEN: CategoryDay(5, 1), Category.OTHER: CategoryDay(2)}
    counts = dict.fromkeys(
        ("deposits", "classified", "unsure", "right", "held", "lowered", "lost", "twice"), 0
    )
    points = dict.fromkeys(("provisional_points", "settled_points", "ledger_points"), 0)
    report = DemoReport(visits=7, tap_to_lid_ms=Quantiles(None, None), day=day, **counts, **points)
    assert "\ntoday: Food Waste 5 (1 wrong), Residual Waste 2 (0 wrong)\n" in summary(report)
