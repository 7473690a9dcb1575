"""The firmware's lid rules compared with firmware_bridge/lid_motion.py and h_bridge.py on random input."""

from __future__ import annotations

import ctypes

from hypothesis import example, given
from hypothesis import strategies as st

from firmware_bridge import h_bridge
from firmware_bridge.h_bridge import Bridge, Drive
from firmware_bridge.lid_motion import (
    GrantLease,
    LeaseRequest,
    LidInputs,
    LidTimes,
    Motion,
    Phase,
    RevokeLease,
    found,
    halted,
    step,
)
from tests.firmware_bridge.firmware.core import CBridge, CMotion, CSeen, CTimes

PHASES = list(Phase)
DRIVES = list(Drive)
MS = 0.001
START_MS = (0, 2**32 - 20_000)  # the second makes the firmware's clock wrap within the day

requests = st.none() | st.builds(GrantLease, st.integers(1, 60_000)) | st.just(RevokeLease())
moments = st.tuples(
    st.integers(0, 3000) | st.integers(0, 100), requests, st.builds(LidInputs, *[st.booleans()] * 3)
)
# Multiples of 3 ms: never just the 100 ms of a rest, where a float's rounding would decide.
wishes = st.tuples(st.integers(0, 50).map(lambda steps: 3 * steps), st.sampled_from(DRIVES))
times = st.builds(
    LidTimes, st.integers(100, 4000), st.integers(0, 3000), st.integers(0, 20_000), st.integers(1, 10)
)


def c_step(
    library: ctypes.CDLL,
    motion: CMotion,
    request: LeaseRequest | None,
    seen: LidInputs,
    now_ms: int,
    bounds: LidTimes,
) -> None:
    """Make a request and a step as `step` does, in milliseconds."""
    at, now = ctypes.byref(motion), ctypes.c_uint32(now_ms & 0xFFFF_FFFF)
    c_seen = CSeen(seen.opened, seen.closed, seen.obstructed)
    c_times = CTimes(int(bounds.drive_s), int(bounds.retry_s), int(bounds.patience_s), bounds.tries)
    match request:
        case GrantLease(lease_ms):
            library.lid_ask_open(at, c_seen, ctypes.c_uint32(int(lease_ms)), now, ctypes.byref(c_times))
        case RevokeLease():
            library.lid_ask_shut(at, c_seen, now, ctypes.byref(c_times))
    library.lid_step(at, c_seen, now, ctypes.byref(c_times))


def assert_same(library: ctypes.CDLL, theirs: CMotion, ours: Motion) -> None:
    assert PHASES[theirs.phase] is ours.phase
    assert DRIVES[library.lid_drive(ctypes.byref(theirs))] is ours.drive
    assert (theirs.tries, theirs.blocks) == (ours.tries, ours.blocks % 256)
    assert theirs.has_left is ours.has_left
    assert theirs.owed_ms == ours.rest.owed_s


@given(start=st.sampled_from(START_MS), at_first=st.builds(LidInputs, *[st.booleans()] * 3), bounds=times,
       day=st.lists(moments, max_size=60))  # fmt: skip
def test_a_lid_moves_as_lid_motion_says(
    library: ctypes.CDLL,
    start: int,
    at_first: LidInputs,
    bounds: LidTimes,
    day: list[tuple[int, LeaseRequest, LidInputs]],
) -> None:
    # lid_motion.py only compares and adds times, so milliseconds do for its seconds.
    now, ours, theirs = start, found(at_first, start), CMotion()
    first = CSeen(at_first.opened, at_first.closed, at_first.obstructed)
    library.lid_found(ctypes.byref(theirs), first, ctypes.c_uint32(start))
    assert_same(library, theirs, ours)
    for passed, request, seen in day:
        now += passed
        ours = step(ours, request, seen, now, bounds)
        c_step(library, theirs, request, seen, now, bounds)
        assert_same(library, theirs, ours)


@example(start=START_MS[1], day=[], places=[LidInputs(opened=False, closed=False, obstructed=False)])
@given(start=st.sampled_from(START_MS), day=st.lists(moments, min_size=5, max_size=40),
       places=st.lists(st.builds(LidInputs, *[st.booleans()] * 3), min_size=1, max_size=3))  # fmt: skip
def test_a_motor_that_is_driven_day_and_night_rests_as_lid_motion_says(
    library: ctypes.CDLL, start: int, day: list[tuple[int, LeaseRequest, LidInputs]], places: list[LidInputs]
) -> None:
    bounds = LidTimes(100, 50, 2000, 10)  # whose motor tires after two seconds
    now, ours, theirs = start, found(places[0], start), CMotion()
    first = CSeen(places[0].opened, places[0].closed, places[0].obstructed)
    library.lid_found(ctypes.byref(theirs), first, ctypes.c_uint32(start))
    for turn in range(60):
        seen = places[turn % len(places)]
        for asked in (GrantLease(60_000), None, RevokeLease(), None):
            now += 40
            ours = step(ours, asked, seen, now, bounds)
            c_step(library, theirs, asked, seen, now, bounds)
            assert_same(library, theirs, ours)
    for passed, request, seen in day:
        now += passed
        ours = step(ours, request, seen, now, bounds)
        c_step(library, theirs, request, seen, now, bounds)
        assert_same(library, theirs, ours)


@given(start=st.sampled_from(START_MS), halts=st.sets(st.integers(0, 239), max_size=6))
def test_a_motor_stopped_from_outside_still_owes_its_rest(
    library: ctypes.CDLL, start: int, halts: set[int]
) -> None:
    bounds = LidTimes(100, 50, 2000, 10)
    between = LidInputs(opened=False, closed=False, obstructed=False)
    now, ours, theirs = start, found(between, start), CMotion()
    first = CSeen(opened=False, closed=False, obstructed=False)
    library.lid_found(ctypes.byref(theirs), first, ctypes.c_uint32(start))
    for turn in range(240):
        now += 40
        asked = (GrantLease(60_000), None, RevokeLease(), None)[turn % 4]
        ours = step(ours, asked, between, now, bounds)
        c_step(library, theirs, asked, between, now, bounds)
        if turn in halts:
            ours = halted(ours, now)
            library.lid_halt(ctypes.byref(theirs), ctypes.c_uint32(now & 0xFFFF_FFFF))
        assert_same(library, theirs, ours)


@given(start=st.sampled_from(START_MS), day=st.lists(wishes, max_size=60))
def test_a_bridge_obeys_as_h_bridge_says(
    library: ctypes.CDLL, start: int, day: list[tuple[int, Drive]]
) -> None:
    now, ours, theirs = start, Bridge(), CBridge()
    for passed, wanted in day:
        now += passed
        ours = h_bridge.command(ours, wanted, now * MS)
        library.bridge_command(ctypes.byref(theirs), DRIVES.index(wanted), ctypes.c_uint32(now & 0xFFFF_FFFF))
        assert DRIVES[theirs.drive] is ours.drive
        assert DRIVES[theirs.last] is ours.last


def test_a_drive_lasts_a_travel_and_a_half_and_the_motors_rest(library: ctypes.CDLL) -> None:
    assert library.lid_drive_ms(2000) == 3100
    assert library.lid_drive_ms(30_000) == 45_100
