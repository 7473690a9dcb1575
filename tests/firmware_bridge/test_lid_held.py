"""Lids that a spring shuts, lids found open at start, and switches that contradict each other."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.h_bridge import Drive
from firmware_bridge.lid_motion import (
    GrantLease,
    LeaseRequest,
    LidInputs,
    LidTimes,
    Motion,
    Phase,
    RevokeLease,
    found,
    next_due,
    step,
)

TRAVEL_S = 2.0
TIMES = LidTimes(drive_s=3.0, retry_s=2.0, patience_s=20.0, tries=3, springs_shut=True)
STEP_S = 0.1


@dataclass
class SpringLid:
    """A lid that opens while it is held and falls shut while it is not."""

    motion: Motion = field(default_factory=Motion)
    now: float = 0.0
    place: float = 0.0
    obstructed: bool = False
    is_dumb: bool = False
    """Its shut switch is silent."""

    @property
    def seen(self) -> LidInputs:
        return LidInputs(self.place >= 1, self.place <= 0 and not self.is_dumb, self.obstructed)

    def ask(self, request: LeaseRequest | None) -> None:
        self.motion = step(self.motion, request, self.seen, self.now, TIMES)
        assert next_due(self.motion, TIMES) > self.now, "a wait that is over was not acted on"
        if self.obstructed and not self.seen.closed and self.now > 0:
            assert self.motion.holds_open or self.motion.phase is Phase.RESTING, "let go onto what is there"

    def pass_time(self, span_s: float) -> None:
        until = self.now + span_s
        while self.now < until:
            self.now += STEP_S
            rate = 1 if self.motion.holds_open else -1
            self.place = min(1.0, max(0.0, round(self.place + rate * STEP_S / TRAVEL_S, 6)))
            self.ask(None)


def test_a_held_lid_falls_shut_when_its_lease_ends() -> None:
    lid = SpringLid()
    lid.ask(GrantLease(8))
    lid.pass_time(7.9)
    assert (lid.place, lid.motion.holds_open) == (1.0, True)
    lid.pass_time(TRAVEL_S + 0.2)
    assert (lid.place, lid.motion.holds_open) == (0.0, False)


def test_a_held_lid_is_never_released_while_something_is_in_its_way() -> None:
    lid = SpringLid()
    lid.ask(GrantLease(4))
    lid.pass_time(5)
    lid.obstructed = True
    lid.ask(None)
    lid.pass_time(5 * TIMES.patience_s)
    assert (lid.place, lid.motion.holds_open) == (1.0, True)
    lid.obstructed = False
    lid.pass_time(TIMES.retry_s + TRAVEL_S + 0.2)
    assert lid.place == 0.0


def test_a_hand_that_returns_again_and_again_never_uses_up_the_tries() -> None:
    lid = SpringLid()
    lid.ask(GrantLease(4))
    lid.pass_time(5)
    for _ in range(20):
        lid.obstructed = True
        lid.ask(None)
        lid.pass_time(1)
        lid.obstructed = False
        lid.pass_time(TIMES.retry_s + TRAVEL_S / 2)
    assert lid.motion.phase is not Phase.LEFT_OPEN
    lid.pass_time(TIMES.retry_s + 2 * TRAVEL_S)
    assert lid.place == 0.0


def test_a_lid_with_a_silent_shut_switch_is_tried_a_few_times_and_then_left() -> None:
    lid = SpringLid(is_dumb=True)
    lid.ask(GrantLease(4))
    lid.pass_time(60)
    assert (lid.motion.phase, lid.motion.holds_open) == (Phase.LEFT_OPEN, False)
    lid.pass_time(100)
    assert not lid.motion.holds_open


ACTIONS = st.one_of(st.builds(GrantLease, st.floats(0.1, 15)), st.just(RevokeLease()), st.booleans())


@given(st.lists(st.tuples(ACTIONS, st.floats(0, 8)), max_size=15))
def test_after_any_events_a_held_lid_shuts_and_never_falls_onto_a_hand(
    story: list[tuple[LeaseRequest | bool, float]],
) -> None:
    lid = SpringLid()
    for action, span_s in story:
        if isinstance(action, bool):
            lid.obstructed = action
            lid.ask(None)
        else:
            lid.ask(action)
        lid.pass_time(span_s)
    lid.obstructed = False
    lid.pass_time(max(0.0, lid.motion.lease_until - lid.now) + TIMES.retry_s + 2 * TRAVEL_S + 0.5)
    assert (lid.place, lid.motion.holds_open) == (0.0, False)


def test_a_lid_found_shut_rests() -> None:
    assert found(LidInputs(opened=False, closed=True, obstructed=False), 5.0) == Motion()


def test_a_lid_found_open_is_shut_once_its_way_was_free_for_a_while() -> None:
    standing = LidInputs(opened=True, closed=False, obstructed=False)
    lid = found(standing, 5.0)
    assert lid.drive is Drive.OFF
    assert step(lid, None, standing, 6.9, TIMES).drive is Drive.OFF
    assert step(lid, None, standing, 7.0, TIMES).drive is Drive.SHUT


def test_a_lid_found_open_with_something_in_its_way_waits() -> None:
    blocked = LidInputs(opened=True, closed=False, obstructed=True)
    lid = step(found(blocked, 5.0), None, blocked, 7.0, TIMES)
    assert lid.drive is Drive.OFF
    assert (
        step(lid, None, LidInputs(opened=True, closed=False, obstructed=False), 8.0, TIMES).drive is Drive.OFF
    )


def test_no_motor_runs_while_both_limit_switches_are_closed() -> None:
    both = LidInputs(opened=True, closed=True, obstructed=False)
    for times in (TIMES, LidTimes(3.0, 2.0, 20.0, 3)):
        assert step(Motion(), GrantLease(8), both, 1.0, times).drive is Drive.OFF
        opening = step(
            Motion(), GrantLease(8), LidInputs(opened=False, closed=True, obstructed=False), 1.0, times
        )
        assert opening.drive is Drive.OPEN
        assert step(opening, None, both, 1.1, times).drive is Drive.OFF
        shutting = step(
            opening, RevokeLease(), LidInputs(opened=False, closed=False, obstructed=False), 1.2, times
        )
        assert step(shutting, None, both, 1.3, times).drive is Drive.OFF
