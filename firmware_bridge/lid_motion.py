"""How a lid moves: step(motion, request, seen, now, times) -> motion. Pure; knows no pins.

A lease opens the lid; when it ends the lid is driven shut. Something in the way (the obstruction input,
or a shut switch that stays silent through a whole drive, the only sign of a hand where no such
input is wired) reverses it. It is tried again a few times, and then left open with its motor off.
Only a reversal drives a lid open after its lease, and never for longer than one drive. A lid that a
spring shuts is held instead of driven, so it is never given up while something is in its way. No motor
runs while both switches say that the lid is there: one of them lies. One that was driven for very long
rests before it begins another drive (`motor_rest`), except to reverse.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum, auto
from math import inf

from config.station import VisitSection
from firmware_bridge.h_bridge import REST_S, Drive
from firmware_bridge.motor_rest import Rest

DRIVE_TRAVELS = 1.5
"""A drive may last so many travels: room for a weak battery, and over before the visit calls it a fault."""
RETRY_S = 2.0
TRIES = 3


class Phase(StrEnum):
    """The phase of a lid's movement."""

    RESTING = auto()
    """No lease. The lid stands where it was found, where a hand left it, or shut."""
    OPENING = auto()
    HELD = auto()
    """Under a lease with the motor off: the gearing holds the lid, open or as far as it came."""
    CLOSING = auto()
    REVERSING = auto()
    """Driven open again, because something was in the way."""
    WAITING = auto()
    """Open enough, motor off, until the way has been free for a while."""
    LEFT_OPEN = auto()
    """Given up: motor off until somebody shuts it by hand, or asks again."""


_HELD_OPEN = frozenset({Phase.OPENING, Phase.HELD, Phase.REVERSING, Phase.WAITING})
_DRIVES = {Phase.OPENING: Drive.OPEN, Phase.REVERSING: Drive.OPEN, Phase.CLOSING: Drive.SHUT}


@dataclass(frozen=True, slots=True)
class LidInputs:
    """What a lid's inputs say now."""

    opened: bool
    closed: bool
    obstructed: bool


@dataclass(frozen=True, slots=True)
class GrantLease:
    """Open, or stay open, at most `lease_s` seconds from now."""

    lease_s: float


@dataclass(frozen=True, slots=True)
class RevokeLease:
    """Shut now, unless something is in the way."""


LeaseRequest = GrantLease | RevokeLease


@dataclass(frozen=True, slots=True)
class LidTimes:
    """A lid's bounds: seconds, and how often it is tried to shut it."""

    drive_s: float
    """The longest that the motor runs in one direction at a stretch."""
    retry_s: float
    """How long the way must have been free before the next try."""
    patience_s: float
    """No try begins later than this after the first."""
    tries: int
    springs_shut: bool = False
    """A spring or weight shuts it as soon as nothing holds it: `Motion.holds_open` is its drive."""

    def tire(self, rest: Rest) -> bool:
        """Whether a motor that owes this rest may begin no drive; what holds against a spring may always."""
        return not self.springs_shut and rest.is_due(self.drive_s)


def lid_times(waits: VisitSection, *, springs_shut: bool = False) -> LidTimes:
    """The bounds that fit a station's visits."""
    drive_s = DRIVE_TRAVELS * waits.travel_s + REST_S  # its motor may have to rest before it turns round
    return LidTimes(drive_s, RETRY_S, waits.obstructed_s, TRIES, springs_shut)


@dataclass(frozen=True, slots=True)
class Motion:
    """Where a lid stands in its movement. Times are the clock's monotonic seconds."""

    phase: Phase = Phase.RESTING
    since: float = -inf
    """When this phase began; in WAITING, when something was last seen in the way."""
    lease_until: float = -inf
    closing_since: float = -inf
    tries: int = 0
    has_left: bool = False
    """Whether the lid has left its shut switch since the lease began."""
    blocks: int = 0
    """How often something was found in the way, ever; it only counts up."""
    rest: Rest = field(default_factory=Rest)

    @property
    def drive(self) -> Drive:
        """What the motor is to do."""
        return _DRIVES.get(self.phase, Drive.OFF)

    @property
    def holds_open(self) -> bool:
        """Whether a lid that a spring would shut is to be held."""
        return self.phase in _HELD_OPEN

    def owes(self, now: float) -> Rest:
        """The rest that the motor owes at `now`, having done what it does since the last step."""
        return self.rest.counted(now, drives=self.drive is not Drive.OFF)


def found(seen: LidInputs, now: float) -> Motion:
    """A lid as it was found at start; shut once its way has been free for a while, unless it is already.

    One that stands open lost its lease together with the program that held it.
    """
    if seen.closed:
        return Motion()
    return Motion(Phase.WAITING, since=now, closing_since=now)


def step(
    motion: Motion, request: LeaseRequest | None, seen: LidInputs, now: float, times: LidTimes
) -> Motion:
    """Where the lid stands after a request, or only after time has passed. `now` never steps back."""
    motion = replace(motion, rest=motion.owes(now))
    if request is not None:
        motion = _requested(motion, request, seen, now, times)
    if not seen.closed:
        motion = replace(motion, has_left=True)
    while (after := _advanced(motion, seen, now, times)) != motion:
        motion = after
    return motion


def must_rest(motion: Motion, seen: LidInputs, now: float, times: LidTimes) -> bool:
    """Whether a lease would begin a drive that the motor has to rest before: `step` grants none then."""
    is_under_way = motion.phase in (Phase.OPENING, Phase.HELD, Phase.REVERSING)
    return not (is_under_way or seen.opened) and times.tire(motion.owes(now))


def halted(motion: Motion, now: float) -> Motion:
    """A lid whose motor was turned off from outside: no lease, and nothing moves until somebody asks."""
    return Motion(blocks=motion.blocks, rest=motion.owes(now))


def next_due(motion: Motion, times: LidTimes) -> float:
    """When `step` has to be called again though nothing was seen or asked; inf when never."""
    match motion.phase:
        case Phase.OPENING:
            return min(motion.lease_until, motion.since + times.drive_s)
        case Phase.HELD:
            return motion.lease_until
        case Phase.CLOSING | Phase.REVERSING:
            return motion.since + times.drive_s
        case Phase.WAITING:
            patience_s = inf if times.springs_shut else times.patience_s
            tried_at = min(motion.since + times.retry_s, motion.closing_since + patience_s)
            return motion.rest.ends(times.drive_s) if times.tire(motion.rest) else tried_at
        case Phase.RESTING | Phase.LEFT_OPEN:
            return inf


def _requested(motion: Motion, request: LeaseRequest, seen: LidInputs, now: float, times: LidTimes) -> Motion:
    match request:
        case GrantLease() if must_rest(motion, seen, now, times):
            return motion
        case GrantLease(lease_s):
            return _open(replace(motion, lease_until=now + lease_s), now)
        case RevokeLease() if motion.phase in (Phase.CLOSING, Phase.REVERSING, Phase.WAITING):
            return motion
        case RevokeLease():
            return _close(motion, seen, now, times)


def _open(motion: Motion, now: float) -> Motion:
    if motion.phase in (Phase.OPENING, Phase.HELD):
        return motion  # a renewal starts no second drive: repeated often enough, the motor would never stop
    since = motion.since if motion.phase is Phase.REVERSING else now
    return replace(motion, phase=Phase.OPENING, since=since, has_left=False)


def _close(motion: Motion, seen: LidInputs, now: float, times: LidTimes) -> Motion:
    """Begin to shut; wait first if something is in the way already, or the motor has to rest."""
    motion = replace(motion, since=now, lease_until=-inf, closing_since=now)
    if seen.closed:
        return replace(motion, phase=Phase.RESTING)
    if seen.obstructed or times.tire(motion.rest):
        return replace(motion, phase=Phase.WAITING, tries=0, blocks=motion.blocks + seen.obstructed)
    return replace(motion, phase=Phase.CLOSING, tries=1)


def _advanced(motion: Motion, seen: LidInputs, now: float, times: LidTimes) -> Motion:
    """One change that what is seen, or the time, calls for."""
    driven_enough = now >= motion.since + times.drive_s
    match motion.phase:
        case Phase.OPENING | Phase.CLOSING | Phase.REVERSING if seen.opened and seen.closed:
            motion = replace(motion, phase=Phase.LEFT_OPEN, since=now, lease_until=-inf)
        case Phase.OPENING | Phase.HELD if now >= motion.lease_until:
            motion = _close(motion, seen, now, times)
        case Phase.OPENING if seen.opened or driven_enough:
            motion = replace(motion, phase=Phase.HELD, since=now)
        # A lid that is stuck shut keeps its lease, so that renewals do not drive it again and again.
        case Phase.HELD | Phase.CLOSING | Phase.WAITING | Phase.LEFT_OPEN if seen.closed and motion.has_left:
            motion = replace(motion, phase=Phase.RESTING, since=now, lease_until=-inf)
        case Phase.CLOSING if seen.obstructed or driven_enough:
            # What is held waits for its way as long as it takes: only a silent switch uses a try up.
            tries = motion.tries - 1 if times.springs_shut and seen.obstructed else motion.tries
            blocks = motion.blocks + 1
            motion = replace(motion, phase=Phase.REVERSING, since=now, blocks=blocks, tries=tries)
        case Phase.LEFT_OPEN if times.springs_shut and seen.obstructed and not seen.closed:
            motion = replace(motion, phase=Phase.REVERSING, since=now, blocks=motion.blocks + 1)
        case Phase.REVERSING if seen.opened or driven_enough:
            motion = replace(motion, phase=Phase.WAITING, since=now)
        case Phase.WAITING:
            motion = _after_waiting(motion, seen, now, times)
    return motion


def _after_waiting(motion: Motion, seen: LidInputs, now: float, times: LidTimes) -> Motion:
    given_up = motion.tries >= times.tries
    if times.tire(motion.rest) and not given_up:  # patience begins when the motor may run again
        return replace(motion, since=now if seen.obstructed else motion.since, closing_since=now)
    if not times.springs_shut and (given_up or now >= motion.closing_since + times.patience_s):
        return replace(motion, phase=Phase.LEFT_OPEN, since=now)
    if seen.obstructed:
        return replace(motion, since=now)
    if now < motion.since + times.retry_s:
        return motion
    if given_up:
        return replace(motion, phase=Phase.LEFT_OPEN, since=now)
    return replace(motion, phase=Phase.CLOSING, since=now, tries=motion.tries + 1)
