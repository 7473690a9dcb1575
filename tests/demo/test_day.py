"""What a day brought, category by category, as an official asks for it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from cloud_sync.wire.facts import DepositFacts, VerdictFacts
from config.sorting import Category
from models.verdict import VerdictState
from scripts.demonstration.day import CategoryDay, read_day
from tests.edge.journal.checks import DAY_S, at, opened, visit
from tests.edge.workbench import UNIX_S

RUN, BEFORE = "b" * 16, "a" * 16


def deposit(into: Category, state: VerdictState | None, belongs: Category | None = None) -> DepositFacts:
    verdict = None if state is None else VerdictFacts(state, 0.9, "waste-1", belongs, None)
    return DepositFacts(into, into, 3.0, verdict)


def record(folder: Path, epoch: str, *deposits: DepositFacts, days: float = 0.0) -> None:
    journal = opened(folder, epoch)
    journal.record_visit(msgspec.structs.replace(visit(), deposits=deposits), at(UNIX_S + days * DAY_S))


def test_a_day_has_a_row_for_every_category_and_tells_the_wrong_ones(tmp_path: Path) -> None:
    kitchen, other = Category.KITCHEN, Category.OTHER
    record(
        tmp_path,
        RUN,
        deposit(kitchen, VerdictState.OK, kitchen),
        deposit(kitchen, VerdictState.OK, other),
        deposit(other, VerdictState.UNSURE),
        deposit(other, None),
    )
    assert read_day(tmp_path, RUN) == {
        Category.RECYCLABLE: CategoryDay(),
        kitchen: CategoryDay(things=2, wrong=1),
        Category.HAZARDOUS: CategoryDay(),
        other: CategoryDay(things=2),
    }


def test_the_shadow_of_a_hand_is_no_thing(tmp_path: Path) -> None:
    record(tmp_path, RUN, deposit(Category.KITCHEN, VerdictState.EMPTY))
    assert set(read_day(tmp_path, RUN).values()) == {CategoryDay()}


@pytest.mark.parametrize(("days", "things"), [(0.0, 2), (-1.0, 1)])
def test_an_earlier_demo_counts_if_it_was_today(tmp_path: Path, days: float, things: int) -> None:
    one = deposit(Category.KITCHEN, VerdictState.OK, Category.KITCHEN)
    record(tmp_path, BEFORE, one, days=days)
    assert set(read_day(tmp_path, RUN).values()) == {CategoryDay()}
    record(tmp_path, RUN, one)
    assert read_day(tmp_path, RUN)[Category.KITCHEN] == CategoryDay(things)
