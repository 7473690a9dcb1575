"""An eye that was away for a moment is not believed that nothing fell in."""

from __future__ import annotations

from math import inf

import pytest
from msgspec import structs

from cloud_sync.wire.facts import DepositFacts
from edge.faults import FaultCode
from edge.messages import Capture, ChamberChanged, Command, FaultCleared, FaultRaised, LidClosed
from edge.part_kinds import EYE
from edge.visit.deposits import DOUBT_S
from tests.edge.builders import WAITS, Scene, bin_rule, rules_of

WORD_S = 3.0
RULES = rules_of(bin_rule(), waits=structs.replace(WAITS, unseen_s=WORD_S))


def recorded(scene: Scene) -> list[DepositFacts]:
    """Give the deposits of the one visit that is recorded in a while."""
    scene.wait(WORD_S + 1)
    return list(scene.record().facts.deposits)


def lose(scene: Scene) -> list[Command]:
    return scene.post(FaultRaised(scene.now, FaultCode.EYE_LOST, EYE))


def find(scene: Scene) -> list[Command]:
    return scene.post(FaultCleared(scene.now, FaultCode.EYE_LOST, EYE))


@pytest.fixture
def scene() -> Scene:
    """Give a lid that stands open."""
    scene = Scene(RULES)
    scene.tap()
    scene.opened()
    return scene


def test_an_eye_that_is_back_before_the_lid_shuts_missed_something_perhaps(scene: Scene) -> None:
    lose(scene)
    scene.wait(0.5)
    find(scene)
    scene.shut_bin()
    assert [one.verdict for one in recorded(scene)] == [None]


def test_an_eye_that_was_away_when_the_lid_opened_missed_something_perhaps() -> None:
    scene = Scene(RULES)
    lose(scene)
    scene.tap()
    scene.opened()
    find(scene)
    scene.shut_bin()
    assert [one.verdict for one in recorded(scene)] == [None]


def test_an_eye_that_is_found_silent_just_after_the_lid_shut_missed_something_perhaps(scene: Scene) -> None:
    scene.shut_bin()
    scene.wait(DOUBT_S / 2)
    lose(scene)
    find(scene)
    assert [one.verdict for one in recorded(scene)] == [None]


def test_an_eye_that_saw_all_the_while_is_believed_that_nothing_fell_in(scene: Scene) -> None:
    scene.shut_bin()
    assert recorded(scene) == []


def test_what_was_seen_is_not_doubted_when_the_eye_goes(scene: Scene) -> None:
    scene.post(ChamberChanged(scene.now, "kitchen"))
    lose(scene)
    assert len(scene.state.visits[0].deposits) == 1
    scene.shut_bin()
    assert len(scene.state.visits[0].deposits) == 1


def test_what_the_eye_saw_before_the_lid_shut_counts_when_it_is_told_after(scene: Scene) -> None:
    seen_at = scene.now
    scene.post(LidClosed(scene.now, "kitchen"))
    scene.wait(WORD_S / 2)
    told = scene.post(ChamberChanged(scene.now, "kitchen", seen_at=seen_at))
    assert [type(one) for one in told] == [Capture]


@pytest.mark.parametrize("seen_at", [None, inf])
def test_what_changes_in_a_shut_bin_is_no_deposit(scene: Scene, seen_at: float | None) -> None:
    scene.post(LidClosed(scene.now, "kitchen"))
    scene.wait(WORD_S / 2)
    assert scene.post(ChamberChanged(scene.now, "kitchen", seen_at=seen_at)) == []
