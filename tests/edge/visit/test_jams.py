"""A lid that does not open: when it is called a jam, who may try it again, and what ends that."""

from __future__ import annotations

import pytest

from cloud_sync.wire.facts import Role
from edge.faults import Fault, FaultCode
from edge.messages import Alarm, CloseLid, FaultRaised, LeaseRefused, LeaseTaken, Prompt
from edge.visit.openings import JAM_LONGEST_S, JAM_PAUSE_S
from tests.edge.builders import Scene, opens, said
from tests.waiting import turns

STUCK = Fault(FaultCode.LID_STUCK_SHUT, "kitchen")


def jam(scene: Scene, role: Role = Role.RESIDENT) -> None:
    """Tap, and have the lid stay shut though its lease was taken."""
    assert opens(scene.tap(role=role)) == ["kitchen"]
    scene.post(LeaseTaken(scene.now, "kitchen"))
    scene.wait(scene.rules.travel_limit_s)


def test_a_lid_held_for_one_opening_and_then_free_opens_again_for_who_taps_every_three_seconds() -> None:
    scene = Scene()
    jam(scene)
    assert STUCK in scene.state.faults
    for _ in range(int(JAM_PAUSE_S / 3) + 1):
        scene.wait(3)
        if opens(scene.tap()):
            break
        assert said(scene.commands) == [Prompt.BIN_FAULTY]
    scene.opened()
    assert Alarm(FaultCode.LID_STUCK_SHUT, "kitchen", raised=False) in scene.commands
    assert scene.state.jams == ()


def test_a_lid_that_stays_jammed_is_tried_later_and_later_and_never_more_often() -> None:
    scene = Scene()
    jam(scene)
    waited = []
    for _ in range(10):
        since = scene.now
        patience = turns("the lid to be tried again")
        while not opens(scene.tap()):
            next(patience)
            scene.wait(1)
        waited.append(scene.now - since)
        scene.post(LeaseTaken(scene.now, "kitchen"))
        scene.wait(scene.rules.travel_limit_s)
    assert waited[:3] == [JAM_PAUSE_S, 2 * JAM_PAUSE_S, 4 * JAM_PAUSE_S]
    assert waited[-1] == JAM_LONGEST_S
    assert sum(isinstance(one, Alarm) for _, given in scene.log for one in given) == 1, "it is told once"


def test_a_staff_card_tries_it_at_once() -> None:
    scene = Scene()
    jam(scene)
    assert opens(scene.tap(role=Role.STAFF)) == ["kitchen"]
    scene.opened()
    assert STUCK not in scene.state.faults


def test_another_fault_of_the_bin_is_not_tried_away() -> None:
    scene = Scene()
    jam(scene)
    scene.post(FaultRaised(scene.now, FaultCode.LID_MISSING, "kitchen"))
    scene.wait(JAM_LONGEST_S)
    assert opens(scene.tap()) == []


def test_no_jam_is_blamed_on_a_lid_whose_lease_nobody_took() -> None:
    scene = Scene()
    scene.tap()
    given = scene.wait(scene.rules.travel_limit_s)
    assert given[:1] == [CloseLid(1, "kitchen")]
    assert said(given) == [Prompt.BIN_FAULTY]
    assert scene.state.faults == frozenset()
    assert opens(scene.tap()) == ["kitchen"], "the next card tries it"


@pytest.mark.parametrize("was_taken", [False, True])
def test_a_refused_lease_is_told_at_once_and_blamed_on_nothing(was_taken: bool) -> None:  # noqa: FBT001 (pytest's own way)
    scene = Scene()
    scene.tap()
    if was_taken:  # acknowledged first, and refused by the message after it
        scene.post(LeaseTaken(scene.now, "kitchen"))
    given = scene.post(LeaseRefused(scene.now, "kitchen"))
    assert said(given) == [Prompt.BIN_FAULTY]
    scene.wait(60)
    assert scene.state.faults == frozenset()
