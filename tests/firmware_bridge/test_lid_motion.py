from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.station import VisitSection
from firmware_bridge.h_bridge import REST_S, Drive
from firmware_bridge.lid_motion import (
    GrantLease,
    LeaseRequest,
    LidInputs,
    LidTimes,
    Motion,
    Phase,
    RevokeLease,
    halted,
    lid_times,
    must_rest,
    next_due,
    step,
)
from firmware_bridge.motor_rest import MOST_OWED_DRIVES, Rest
from tests.waiting import turns

TIMES = LidTimes(drive_s=3.0, retry_s=2.0, patience_s=20.0, tries=3)
TRAVEL_S = 2.0
EPSILON = 1e-6


@dataclass
class Plant:
    """A lid that obeys its motor, and a world that gets in its way; time runs from due to due."""

    times: LidTimes = TIMES
    motion: Motion = field(default_factory=Motion)
    now: float = 0.0
    place: float = 0.0
    """0 is shut, 1 is open."""
    obstructed: bool = False
    jammed: bool = False
    driven_since: float = inf
    driven_s: float = 0.0
    """How long the motor ran in all."""
    was_asked: bool = False

    @property
    def seen(self) -> LidInputs:
        return LidInputs(self.place >= 1, self.place <= 0, self.obstructed)

    def ask(self, request: LeaseRequest | None) -> None:
        self.was_asked = self.was_asked or request is not None
        before = self.motion
        self.motion = step(self.motion, request, self.seen, self.now, self.times)
        if self.motion.drive is Drive.OFF:
            self.driven_since = inf
        elif self.motion.drive is not before.drive:
            self.driven_since = self.now
        self.check()

    def check(self) -> None:
        motion = self.motion
        assert self.was_asked or motion.drive is Drive.OFF, "nothing moves before somebody asks"
        if motion.drive is Drive.OPEN:
            assert self.now < motion.lease_until or motion.phase is Phase.REVERSING
            assert not self.seen.opened, "driven against its stop"
        if motion.drive is Drive.SHUT:
            assert not self.obstructed, "driven onto what is in the way"
            assert not self.seen.closed, "driven against its stop"
            assert self.now >= motion.lease_until, "shut under a lease"
        if motion.drive is not Drive.OFF:
            assert self.now - self.driven_since < self.times.drive_s
        idle_s = self.now - self.driven_s
        most_s = idle_s + (MOST_OWED_DRIVES + 2) * self.times.drive_s
        assert self.driven_s < most_s, "the motor never rests"
        assert next_due(motion, self.times) > self.now, "a wait that is over was not acted on"

    def pass_time(self, span_s: float) -> None:
        until = self.now + span_s
        while self.now < until:
            moving_s = self._until_stop()
            ahead_s = min(until, next_due(self.motion, self.times), self.now + moving_s) - self.now
            self._move(ahead_s)
            self.driven_s += 0.0 if self.motion.drive is Drive.OFF else max(ahead_s, EPSILON)
            self.now += max(ahead_s, EPSILON)
            self.ask(None)

    def _rate(self) -> float:
        directions = {Drive.OPEN: 1.0, Drive.SHUT: -1.0, Drive.OFF: 0.0}
        return 0.0 if self.jammed else directions[self.motion.drive] / TRAVEL_S

    def _until_stop(self) -> float:
        rate = self._rate()
        if rate == 0 or (rate > 0 and self.place >= 1) or (rate < 0 and self.place <= 0):
            return inf
        return (1 - self.place) / rate if rate > 0 else self.place / -rate

    def _move(self, span_s: float) -> None:
        place = self.place + self._rate() * span_s
        # Floats leave a lid a hair from its switch; no switch is that fine.
        self.place = 0.0 if place < EPSILON else 1.0 if place > 1 - EPSILON else place


def open_for(lease_s: float, plant: Plant | None = None) -> Plant:
    plant = plant or Plant()
    plant.ask(GrantLease(lease_s))
    return plant


def test_a_lease_opens_the_lid_holds_it_and_shuts_it_within_its_travel() -> None:
    plant = open_for(8)
    plant.pass_time(TRAVEL_S + 0.01)
    assert (plant.motion.phase, plant.motion.drive, plant.place) == (Phase.HELD, Drive.OFF, 1.0)
    plant.pass_time(8 - TRAVEL_S)
    assert plant.motion.phase is Phase.CLOSING
    plant.pass_time(TRAVEL_S)
    assert (plant.motion.phase, plant.motion.drive, plant.place) == (Phase.RESTING, Drive.OFF, 0.0)


def test_a_renewal_counts_from_when_it_comes() -> None:
    plant = open_for(8)
    plant.pass_time(6)
    plant.ask(GrantLease(8))
    plant.pass_time(7.9)
    assert plant.place == 1.0
    plant.pass_time(TRAVEL_S + 0.2)
    assert plant.place == 0.0


def test_a_lease_that_is_ended_shuts_the_lid_at_once() -> None:
    plant = open_for(8)
    plant.pass_time(3)
    plant.ask(RevokeLease())
    assert plant.motion.drive is Drive.SHUT


def test_a_lease_that_ends_while_the_lid_opens_turns_it_round() -> None:
    plant = open_for(1)
    plant.pass_time(1.01)
    assert plant.motion.drive is Drive.SHUT
    plant.pass_time(1.01)
    assert plant.place == 0.0


def test_renewals_do_not_keep_the_motor_of_a_stuck_lid_running() -> None:
    plant = open_for(8)
    plant.jammed = True
    for _ in range(20):
        plant.pass_time(0.5)
        plant.ask(GrantLease(8))
    assert plant.motion.drive is Drive.OFF


def test_something_in_the_way_opens_the_lid_again_and_it_shuts_when_the_way_is_free() -> None:
    plant = open_for(4)
    plant.pass_time(5)
    plant.obstructed = True
    plant.ask(None)
    assert (plant.motion.drive, plant.motion.blocks) == (Drive.OPEN, 1)
    plant.pass_time(4)
    assert (plant.motion.phase, plant.place) == (Phase.WAITING, 1.0)
    plant.obstructed = False
    plant.pass_time(TIMES.retry_s - 0.1)
    assert plant.place == 1.0
    plant.pass_time(TRAVEL_S + 0.2)
    assert (plant.motion.phase, plant.place) == (Phase.RESTING, 0.0)


def test_a_lid_whose_way_is_blocked_at_the_end_of_its_lease_does_not_begin_to_shut() -> None:
    plant = open_for(4)
    plant.pass_time(3)
    plant.obstructed = True
    plant.pass_time(1.1)
    assert (plant.motion.phase, plant.motion.blocks, plant.place) == (Phase.WAITING, 1, 1.0)
    plant.pass_time(TIMES.patience_s)
    assert (plant.motion.phase, plant.place) == (Phase.LEFT_OPEN, 1.0)


def test_a_hand_that_no_input_senses_is_freed_and_the_lid_is_left_open_after_its_tries() -> None:
    plant = open_for(4, Plant(times=replace(TIMES, tries=2)))
    plant.pass_time(5)
    plant.jammed = True
    plant.pass_time(40)
    assert (plant.motion.phase, plant.motion.blocks) == (Phase.LEFT_OPEN, 2)
    plant.pass_time(1000)
    assert plant.motion.drive is Drive.OFF


def test_no_try_begins_after_the_patience_ended() -> None:
    plant = open_for(4, Plant(times=replace(TIMES, patience_s=7)))
    plant.pass_time(5)
    plant.jammed = True
    plant.pass_time(40)
    assert (plant.motion.phase, plant.motion.blocks) == (Phase.LEFT_OPEN, 1)


def test_a_tap_during_a_reversal_does_not_lengthen_its_drive() -> None:
    plant = open_for(4)
    plant.pass_time(5)
    plant.jammed = True
    plant.pass_time(2.5)
    assert plant.motion.blocks == 1
    open_for(60, plant)
    plant.pass_time(TIMES.drive_s - 0.4)
    assert plant.motion.drive is Drive.OFF


def test_a_lid_left_open_rests_once_a_hand_shuts_it_and_opens_for_the_next_lease() -> None:
    plant = open_for(4)
    plant.pass_time(5)
    plant.jammed = True
    plant.pass_time(40)
    plant.jammed, plant.place = False, 0.0
    plant.pass_time(1)
    assert plant.motion.phase is Phase.RESTING
    open_for(8, plant).pass_time(TRAVEL_S + 0.1)
    assert plant.place == 1.0


def test_a_lid_left_open_is_tried_again_after_a_request() -> None:
    plant = open_for(4)
    plant.pass_time(3)
    plant.obstructed = True
    plant.pass_time(30)
    plant.obstructed = False
    plant.ask(RevokeLease())
    plant.pass_time(TRAVEL_S + 0.1)
    assert (plant.motion.phase, plant.place) == (Phase.RESTING, 0.0)


def test_a_lid_shut_by_hand_loses_its_lease() -> None:
    plant = open_for(30)
    plant.pass_time(5)
    plant.place = 0.0
    plant.ask(None)
    assert (plant.motion.phase, next_due(plant.motion, TIMES)) == (Phase.RESTING, inf)


def test_a_lid_found_open_at_start_stands_still_until_someone_ends_its_lease() -> None:
    plant = Plant(place=0.5)
    plant.pass_time(100)
    assert plant.place == 0.5
    plant.ask(RevokeLease())
    plant.pass_time(TRAVEL_S)
    assert plant.place == 0.0


def test_a_tap_while_the_lid_shuts_opens_it_again() -> None:
    plant = open_for(4)
    plant.pass_time(5)
    open_for(4, plant)
    assert plant.motion.drive is Drive.OPEN


def tired(plant: Plant) -> Plant:
    """Make a lid that was opened and shut repeatedly until its motor must rest."""
    patience = turns("the motor to tire")
    while not must_rest(plant.motion, plant.seen, plant.now, plant.times):
        next(patience)
        open_for(60, plant).pass_time(0.7)
        plant.ask(RevokeLease())
        plant.pass_time(0.5)
    return plant


def test_alternating_requests_drive_a_motor_at_most_half_of_the_time() -> None:
    plant = tired(Plant())
    driven_s, began = plant.driven_s, plant.now
    while plant.now < began + 1000:
        open_for(60, plant).pass_time(0.7)
        plant.ask(RevokeLease())
        plant.pass_time(0.5)
    assert plant.driven_s - driven_s < 1000 / 2 + 2 * TIMES.drive_s


def test_a_lid_whose_motor_must_rest_shuts_once_it_may_and_opens_again() -> None:
    plant = tired(Plant())
    plant.ask(GrantLease(60))
    assert plant.motion.lease_until < plant.now, "no lease was granted"
    plant.pass_time(2 * TIMES.drive_s)
    assert (plant.motion.phase, plant.place) == (Phase.RESTING, 0.0)
    plant.pass_time(30)
    open_for(8, plant).pass_time(TRAVEL_S + 0.1)
    assert plant.place == 1.0


def test_a_lid_that_stands_open_when_its_motor_must_rest_is_shut_after_the_rest() -> None:
    plant = open_for(60)
    plant.pass_time(TRAVEL_S + 1)
    rest = Rest(MOST_OWED_DRIVES * TIMES.drive_s + 25, plant.now)
    plant.motion = replace(plant.motion, rest=rest)
    plant.ask(GrantLease(60))
    assert plant.motion.phase is Phase.HELD, "a lid that stands open needs no drive for its lease"
    plant.ask(RevokeLease())
    plant.pass_time(24.9)
    assert (plant.motion.phase, plant.place) == (Phase.WAITING, 1.0)
    plant.pass_time(TRAVEL_S + 0.2)
    assert (plant.motion.phase, plant.place, plant.motion.blocks) == (Phase.RESTING, 0.0, 0)


def test_a_hand_is_freed_even_if_the_motor_must_rest() -> None:
    plant = open_for(4)
    plant.pass_time(5)
    assert plant.motion.drive is Drive.SHUT
    plant.motion = replace(plant.motion, rest=Rest(1e4, plant.now))
    plant.obstructed = True
    plant.ask(None)
    assert plant.motion.drive is Drive.OPEN
    plant.pass_time(TIMES.drive_s)
    assert plant.place == 1.0


def test_a_motor_stopped_from_outside_still_owes_its_rest() -> None:
    plant = tired(Plant())
    plant.motion = halted(plant.motion, plant.now)
    assert must_rest(plant.motion, plant.seen, plant.now, plant.times)
    assert plant.motion.drive is Drive.OFF


def test_a_queue_of_residents_never_makes_a_motor_rest() -> None:
    plant = Plant()
    for _ in range(200):
        plant.ask(GrantLease(8))
        assert plant.motion.phase is Phase.OPENING
        plant.pass_time(8 + TRAVEL_S + 0.1)
        assert plant.place == 0.0


@pytest.mark.parametrize("travel_s", [0.05, 0.5, 2.0, 10.0])
def test_a_drive_is_longer_than_a_travel_and_ends_before_the_visit_raises_a_fault(
    travel_s: float,
) -> None:
    times = lid_times(VisitSection(travel_s=travel_s))
    assert travel_s + REST_S < times.drive_s < 2 * travel_s + 1


ACTIONS = st.one_of(
    st.builds(GrantLease, st.floats(0.1, 15)),
    st.just(RevokeLease()),
    st.sampled_from(["block", "free", "jam", "loosen"]),
    st.floats(0, 1),
)


@given(st.lists(st.tuples(ACTIONS, st.floats(0, 12)), max_size=25), st.sampled_from([0.0, 0.4, 1.0]))
def test_after_any_events_the_bounds_hold_and_the_motor_comes_to_rest(
    story: list[tuple[LeaseRequest | str | float, float]], place: float
) -> None:
    plant = Plant(place=place)
    for action, span_s in story:
        match action:
            case GrantLease() | RevokeLease():
                plant.ask(action)
            case float():
                plant.place = action  # somebody moves the lid by hand
                plant.ask(None)
            case "block" | "free":
                plant.obstructed = action == "block"
                plant.ask(None)
            case _:
                plant.jammed = action == "jam"
        plant.pass_time(span_s)
    plant.pass_time(max(0.0, plant.motion.lease_until - plant.now))
    plant.pass_time(TIMES.patience_s + TIMES.retry_s + 2 * TIMES.drive_s)
    assert plant.motion.drive is Drive.OFF
    assert next_due(plant.motion, TIMES) == inf


@given(st.floats(0.1, 15), st.lists(st.floats(0.1, 10), max_size=5))
def test_a_free_lid_is_shut_within_its_travel_after_the_last_lease(
    lease_s: float, renewals: list[float]
) -> None:
    plant = open_for(lease_s)
    for renewal_s in renewals:
        plant.pass_time(0.5)
        plant.ask(GrantLease(renewal_s))
    plant.pass_time(plant.motion.lease_until - plant.now + TRAVEL_S + 0.01)
    assert (plant.place, plant.motion.phase) == (0.0, Phase.RESTING)
