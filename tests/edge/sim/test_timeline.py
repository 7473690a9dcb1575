from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.sim.drive import RealTimeDriver, WorldStoodStillError, run_virtual
from edge.sim.timeline import START_UNIX_S, Timeline, VirtualClock
from tests.waiting import WITHIN_S

MOMENTS = st.lists(st.floats(0, 1000), max_size=40)


class Idle:
    """A station without a deadline, or always with the same one."""

    def __init__(self, deadline: float | None = None) -> None:
        self.deadline = deadline

    def run_pending(self) -> None:
        pass

    def next_deadline(self) -> float | None:
        return self.deadline


@given(MOMENTS, MOMENTS)
def test_actions_run_in_order_of_time_and_then_of_planning(first: list[float], later: list[float]) -> None:
    clock = VirtualClock()
    timeline = Timeline(clock)
    happened: list[tuple[float, int]] = []
    for number, due in enumerate(first + later):
        timeline.call_at(due, lambda number=number: happened.append((clock.now(), number)))  # type: ignore[misc]
    planned = len(first + later)
    run_virtual(timeline, clock, Idle(), lambda: len(happened) == planned)
    assert happened == sorted((due, number) for number, due in enumerate(first + later))


def test_a_cancelled_action_does_not_run_and_is_not_waited_for() -> None:
    timeline = Timeline(VirtualClock())
    happened: list[str] = []
    timeline.call_at(1.0, lambda: happened.append("no")).cancel()
    timeline.call_at(2.0, lambda: happened.append("yes"))
    assert timeline.next_due() == 2.0
    timeline.run_due(5.0)
    assert happened == ["yes"]
    assert timeline.next_due() is None


def test_an_action_planned_for_now_by_another_one_runs_now() -> None:
    clock = VirtualClock()
    timeline = Timeline(clock)
    happened: list[str] = []
    timeline.call_at(0.0, lambda: timeline.call_in(0.0, lambda: happened.append("second")))
    timeline.run_due(0.0)
    assert happened == ["second"]


def test_a_generator_goes_on_after_each_wait_that_it_yields() -> None:
    clock = VirtualClock()
    timeline = Timeline(clock)
    seen: list[float] = []

    def process() -> Iterator[float]:
        for wait_s in (1.5, 2.0):
            seen.append(clock.now())
            yield wait_s
        seen.append(clock.now())

    timeline.start(process())
    run_virtual(timeline, clock, Idle(), lambda: len(seen) == 3)
    assert seen == [0.0, 1.5, 3.5]


def test_a_virtual_clock_never_goes_back() -> None:
    clock = VirtualClock()
    clock.move_to(3.0)
    with pytest.raises(ValueError, match=r"cannot go back from 3\.0 to 2\.0"):
        clock.move_to(2.0)


def test_the_calendar_follows_the_virtual_clock_and_says_whether_it_is_trusted() -> None:
    clock = VirtualClock()
    clock.move_to(60.0)
    assert (clock.wall().unix_s, clock.wall().trusted) == (START_UNIX_S + 60, True)
    clock.trusted = False
    assert not clock.wall().trusted


def test_a_world_in_which_nothing_more_can_happen_is_an_error() -> None:
    clock = VirtualClock()
    with pytest.raises(WorldStoodStillError, match="nothing is planned"):
        run_virtual(Timeline(clock), clock, Idle(), lambda: False)


def test_a_station_whose_deadline_never_passes_does_not_hang_the_run() -> None:
    clock = VirtualClock()
    with pytest.raises(WorldStoodStillError, match="time stands still"):
        run_virtual(Timeline(clock), clock, Idle(deadline=0.0), lambda: False)


class RunningClock(VirtualClock):
    """A clock that moves on a little at each read."""

    def now(self) -> float:
        self.move_to(super().now() + 0.01)
        return super().now()


def test_in_real_time_due_actions_run_on_the_drivers_thread() -> None:
    timeline = Timeline(RunningClock())
    driver = RealTimeDriver(timeline)
    done = threading.Event()
    names: list[str] = []
    driver.start()
    timeline.call_in(0.05, lambda: names.append(threading.current_thread().name))
    timeline.call_in(0.1, done.set)
    assert done.wait(WITHIN_S)
    driver.stop()
    assert names == ["world"]


def test_a_driver_stops_although_its_next_action_is_far_away_or_none_is_planned() -> None:
    for far_away in (True, False):
        timeline = Timeline(VirtualClock())
        if far_away:
            timeline.call_at(1e6, lambda: None)
        driver = RealTimeDriver(timeline)
        driver.start()
        driver.stop()


def test_stopping_a_driver_that_was_never_started_is_harmless() -> None:
    RealTimeDriver(Timeline(VirtualClock())).stop()


def test_an_error_in_the_world_is_raised_where_the_driver_is_stopped() -> None:
    timeline = Timeline(VirtualClock())

    bursting = threading.Event()

    def burst() -> None:
        bursting.set()
        raise OSError("the photos are gone")

    timeline.call_at(0.0, burst)
    driver = RealTimeDriver(timeline)
    driver.start()
    assert bursting.wait(WITHIN_S)
    with pytest.raises(OSError, match="the photos are gone"):
        driver.stop()
