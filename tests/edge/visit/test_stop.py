"""A station that is to stop: visits under way wind down, and none ends without a record."""

from __future__ import annotations

from collections.abc import Sequence

from edge.messages import Capture, CloseLid, Record, StopRequested
from edge.visit.state import OpeningPhase
from tests.edge.builders import Scene

LATER_S = 1.0


def records(commands: Sequence[object]) -> list[Record]:
    return [one for one in commands if isinstance(one, Record)]


def stop(scene: Scene, *, is_final: bool = False) -> list[object]:
    return list(scene.post(StopRequested(scene.now, is_final)))


def test_a_lid_that_stands_open_is_shut_at_once_and_its_visit_recorded_when_it_is() -> None:
    scene = Scene()
    scene.open_bin()
    assert [one for one in stop(scene) if isinstance(one, CloseLid)] == [CloseLid(1, "kitchen")]
    assert scene.state.visits[0].openings[0].phase is OpeningPhase.CLOSING
    assert stop(scene) == [], "what is on its way is left alone"
    (record,) = records(list(scene.closed()))
    assert record.facts.openings[0].closed_s is not None


def test_a_lid_that_does_not_shut_in_time_costs_no_visit() -> None:
    scene = Scene()
    scene.open_bin()
    stop(scene)
    scene.wait(LATER_S)
    (record,) = records(stop(scene, is_final=True))
    assert record.facts.openings[0].closed_s is None


def test_a_deposit_that_nothing_has_named_by_then_is_unseen_and_counts() -> None:
    scene = Scene()
    scene.open_bin()
    given = scene.throw()
    assert any(isinstance(one, Capture) for one in given)
    stop(scene)
    scene.closed()
    (record,) = records(stop(scene, is_final=True))
    assert [deposit.verdict for deposit in record.facts.deposits] == [None]
    assert scene.state.faults == frozenset(), "neither camera nor model is at fault"


def test_a_tap_whose_lid_never_opened_ends_without_a_record() -> None:
    scene = Scene()
    scene.tap()
    assert records(stop(scene, is_final=True)) == []
    assert scene.state.visits == ()


def test_a_visit_on_its_way_to_the_disk_is_recorded_once() -> None:
    scene = Scene()
    scene.open_bin()
    assert len(records(list(scene.closed()) + list(scene.wait(LATER_S)))) == 1
    assert records(stop(scene)) == records(stop(scene, is_final=True)) == []
