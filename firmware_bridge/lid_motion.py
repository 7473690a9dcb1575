"""How a lid moves: step(motion, request, seen, now, times) -> motion. Pure; knows no pins.

- A lease opens the lid; when the lease ends, the lid is driven shut.
- Something in the way reverses it: the obstruction input, or a shut switch that is still silent after a whole
  drive, which is the only sign of a hand if no obstruction input is wired. Shutting is tried again a few
  times; then the lid is left open with its motor off.
- After its lease only a reversal drives a lid open, and never longer than one drive.
- A lid that a spring shuts is held instead of driven; it is held as long as something is in its way.
- No motor runs while both limit switches are closed, because one of them is wrong.
- A motor that was driven for very long rests before its next drive (`motor_rest`), except to reverse.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum, auto
from math import inf

from config.station import VisitSection
from firmware_bridge.h_bridge import REST_S, Drive
from firmware_bridge.motor_rest import Rest

DRIVE_TRAVELS = 1.5
"""Longest drive, in travels: enough for a weak battery, and over before the visit raises a fault."""
RETRY_S = 2.0
TRIES = 3


class Phase(StrEnum):
    """The phase of a lid's movement."""

    RESTING = auto()
    """No lease. The lid is shut, or where it was found, or where a hand left it."""
    OPENING = auto()
    HELD = auto()
    """Under a lease with the motor off: the gearing holds the lid where it is."""
    CLOSING = auto()
    REVERSING = auto()
    """Driven open again because something was in the way."""
    WAITING = auto()
    """Motor off until the way has been free for a while."""
    LEFT_OPEN = auto()
    """Given up: motor off until a person shuts it by hand, or until the next request."""


_HELD_OPEN = frozenset({Phase.OPENING, Phase.HELD, Phase.REVERSING, Phase.WAITING})
_DRIVES = {Phase.OPENING: Drive.OPEN, Phase.REVERSING: Drive.OPEN, Phase.CLOSING: Drive.SHUT}


@dataclass(frozen=True, slots=True)
class LidInputs:
    """The levels of a lid's inputs."""

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
    """A lid's bounds: times in seconds, and the number of tries to shut it."""

    drive_s: float
    """The longest time that the motor runs in one direction without a pause."""
    retry_s: float
    """How long the way must have been free before the next try."""
    patience_s: float
    """No try begins later than this after the first one."""
    tries: int
    springs_shut: bool = False
    """A spring or weight shuts it as soon as it is not held: `Motion.holds_open` is its drive."""

    def tire(self, rest: Rest) -> bool:
        """Return whether a motor that owes this rest may not begin a drive; a held lid's always may."""
        return not self.springs_shut and rest.is_due(self.drive_s)


def lid_times(waits: VisitSection, *, springs_shut: bool = False) -> LidTimes:
    """Return the bounds for a station's visit settings."""
    drive_s = DRIVE_TRAVELS * waits.travel_s + REST_S  # a motor rests before it changes direction
    return LidTimes(drive_s, RETRY_S, waits.obstructed_s, TRIES, springs_shut)


@dataclass(frozen=True, slots=True)
class Motion:
    """The state of a lid's movement. Times are in monotonic seconds."""

    phase: Phase = Phase.RESTING
    since: float = -inf
    """When this phase began; in WAITING, when something was last seen in the way."""
    lease_until: float = -inf
    closing_since: float = -inf
    tries: int = 0
    has_left: bool = False
    """Whether the lid has left its shut switch since the lease began."""
    blocks: int = 0
    """How often something was found in the way; it only counts up."""
    rest: Rest = field(default_factory=Rest)

    @property
    def drive(self) -> Drive:
        """What the motor must do."""
        return _DRIVES.get(self.phase, Drive.OFF)

    @property
    def holds_open(self) -> bool:
        """Whether a lid that a spring would shut must be held."""
        return self.phase in _HELD_OPEN

    def owes(self, now: float) -> Rest:
        """Return the rest that the motor owes at `now`, given what it did since the last step."""
        return self.rest.counted(now, drives=self.drive is not Drive.OFF)


def found(seen: LidInputs, now: float) -> Motion:
    """Return the motion of a lid found at start: unless shut, it shuts once its way was free for a while.

    A lid that stands open lost its lease together with the program that held it.
    """
    if seen.closed:
        return Motion()
    return Motion(Phase.WAITING, since=now, closing_since=now)


def step(
    motion: Motion, request: LeaseRequest | None, seen: LidInputs, now: float, times: LidTimes
) -> Motion:
    """Return the motion after a request, or after time has passed. `now` never goes back."""
    motion = replace(motion, rest=motion.owes(now))
    if request is not None:
        motion = _requested(motion, request, seen, now, times)
    if not seen.closed:
        motion = replace(motion, has_left=True)
    while (after := _advanced(motion, seen, now, times)) != motion:
        motion = after
    return motion


def must_rest(motion: Motion, seen: LidInputs, now: float, times: LidTimes) -> bool:
    """Return whether the motor must rest before a new lease could drive it: then `step` grants none."""
    is_under_way = motion.phase in (Phase.OPENING, Phase.HELD, Phase.REVERSING)
    return not (is_under_way or seen.opened) and times.tire(motion.owes(now))


def halted(motion: Motion, now: float) -> Motion:
    """Return the motion after the motor was turned off from outside: no lease, at rest until a request."""
    return Motion(blocks=motion.blocks, rest=motion.owes(now))


def next_due(motion: Motion, times: LidTimes) -> float:
    """Return when `step` must be called even without a new input or request; inf if never."""
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
        return motion  # a renewal must not begin a second drive: renewed often, the motor would never stop
    since = motion.since if motion.phase is Phase.REVERSING else now
    return replace(motion, phase=Phase.OPENING, since=since, has_left=False)


def _close(motion: Motion, seen: LidInputs, now: float, times: LidTimes) -> Motion:
    """Begin to shut; wait first if something is in the way, or if the motor must rest."""
    motion = replace(motion, since=now, lease_until=-inf, closing_since=now)
    if seen.closed:
        return replace(motion, phase=Phase.RESTING)
    if seen.obstructed or times.tire(motion.rest):
        return replace(motion, phase=Phase.WAITING, tries=0, blocks=motion.blocks + seen.obstructed)
    return replace(motion, phase=Phase.CLOSING, tries=1)


def _advanced(motion: Motion, seen: LidInputs, now: float, times: LidTimes) -> Motion:
    """Return the motion after one change that the inputs or the time require."""
    driven_enough = now >= motion.since + times.drive_s
    match motion.phase:
        case Phase.OPENING | Phase.CLOSING | Phase.REVERSING if seen.opened and seen.closed:
            motion = replace(motion, phase=Phase.LEFT_OPEN, since=now, lease_until=-inf)
        case Phase.OPENING | Phase.HELD if now >= motion.lease_until:
            motion = _close(motion, seen, now, times)
        case Phase.OPENING if seen.opened or driven_enough:
            motion = replace(motion, phase=Phase.HELD, since=now)
        # A lid stuck shut keeps its lease: otherwise each renewal would drive it again.
        case Phase.HELD | Phase.CLOSING | Phase.WAITING | Phase.LEFT_OPEN if seen.closed and motion.has_left:
            motion = replace(motion, phase=Phase.RESTING, since=now, lease_until=-inf)
        case Phase.CLOSING if seen.obstructed or driven_enough:
            # A held lid waits for a free way without limit: only a silent switch uses up a try.
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
