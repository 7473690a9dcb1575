"""One lid of a simulated microcontroller: the rules of lid_motion, and its reports. Pure."""

from __future__ import annotations

from math import inf

from firmware_bridge import h_bridge
from firmware_bridge.h_bridge import REST_S, Bridge, Drive
from firmware_bridge.lid_motion import (
    DRIVE_TRAVELS,
    GrantLease,
    LidInputs,
    LidTimes,
    Motion,
    Phase,
    RevokeLease,
    found,
    halted,
    must_rest,
    next_due,
    step,
)
from firmware_bridge.link.messages import Cause, LidState, Position, SetLid

_LEASED = (Phase.OPENING, Phase.HELD)


def times_of(settings: SetLid) -> LidTimes:
    """Return a lid's bounds in seconds."""
    drive_s = DRIVE_TRAVELS * settings.travel_ms / 1000 + REST_S
    return LidTimes(drive_s, settings.retry_ms / 1000, settings.patience_ms / 1000, settings.tries)


class TwinLid:
    """A lid: takes requests and inputs, returns its motor's drive and its reports."""

    def __init__(self, number: int, seen: LidInputs, now: float) -> None:
        """Begin with the lid as it is found; it has no lease, so it is shut if it is open."""
        self._number = number
        self._times = times_of(SetLid(number, 2000))
        self._motion = found(seen, now)
        self._bridge = Bridge()
        self._seen = seen
        self._cause = Cause.ASKED if seen.closed else Cause.HOST_SILENT
        self._has_driven = False
        self._reported: Position | None = None
        self._is_news = False

    @property
    def drive(self) -> Drive:
        """What the motor does."""
        return self._bridge.drive

    def set(self, settings: SetLid) -> None:
        """Set its bounds."""
        self._times = times_of(settings)

    def must_rest(self, now: float) -> bool:
        """Return whether its motor must rest before a new lease could drive it."""
        return must_rest(self._motion, self._seen, now, self._times)

    def open(self, lease_s: float, now: float) -> None:
        """Open, or renew the lease."""
        if self._motion.phase not in _LEASED:
            self._cause = Cause.ASKED
        self._is_news = self._is_news or self._seen.opened
        self._motion = step(self._motion, GrantLease(lease_s), self._seen, now, self._times)

    def shut(self, cause: Cause, now: float) -> None:
        """Begin to shut for this cause."""
        before = self._motion
        self._motion = step(before, RevokeLease(), self._seen, now, self._times)
        if self._motion.blocks > before.blocks:
            self._because(Cause.OBSTRUCTED)
        elif self._motion.phase is not before.phase:
            self._cause = cause

    def end_lease(self, cause: Cause, now: float) -> None:
        """Shut if there is a lease."""
        if self._motion.phase in _LEASED:
            self.shut(cause, now)

    def halt(self, cause: Cause, now: float) -> None:
        """Turn the motor off and end the lease; nothing moves until the next request."""
        self._motion = halted(self._motion, now)
        self._bridge = h_bridge.command(self._bridge, Drive.OFF, now)
        self._because(cause)

    def report_again(self) -> None:
        """Report the position again, for a new link."""
        self._cause = Cause.ASKED
        self._is_news = True

    def step(self, seen: LidInputs, now: float) -> LidState | None:
        """Advance to `now` with these inputs; return a report if there is news."""
        self._seen = seen
        if seen.opened and seen.closed:
            self.halt(Cause.BOTH_SWITCHES, now)
        else:
            before = self._motion
            self._motion = step(before, None, seen, now, self._times)
            self._explain(before)
            self._bridge = h_bridge.command(self._bridge, self._motion.drive, now)
            self._has_driven = self._has_driven or self._motion.drive is not Drive.OFF
        return self._news()

    def due(self) -> float:
        """Return when `step` must be called even if nothing changed."""
        rests = h_bridge.rest_ends(self._bridge) if self._bridge.drive is not self._motion.drive else inf
        return min(rests, next_due(self._motion, self._times))

    def _explain(self, before: Motion) -> None:
        after = self._motion
        if after.phase is before.phase and after.blocks == before.blocks:
            return
        if after.phase is Phase.LEFT_OPEN:
            self._because(Cause.LEFT_OPEN)
        elif after.blocks > before.blocks:
            self._because(Cause.OBSTRUCTED)
        elif after.phase is Phase.HELD and not self._seen.opened:
            self._because(Cause.TRAVEL_TIMEOUT)
        elif before.phase in _LEASED and after.phase in (Phase.CLOSING, Phase.WAITING):
            self._because(Cause.LEASE_OVER)

    def _because(self, cause: Cause) -> None:
        self._is_news = self._is_news or cause is not self._cause
        self._cause = cause

    def _news(self) -> LidState | None:
        position = self._position()
        if position is self._reported and not self._is_news:
            return None
        self._reported, self._is_news = position, False
        return LidState(self._number, position, self._cause)

    def _position(self) -> Position:
        seen, drive = self._seen, self._motion.drive
        if seen.opened and seen.closed:
            return Position.UNKNOWN
        if drive is Drive.OPEN and not seen.opened:
            return Position.OPENING
        if drive is Drive.SHUT and not seen.closed:
            return Position.CLOSING
        if seen.opened or seen.closed:
            return Position.OPEN if seen.opened else Position.SHUT
        return Position.STOPPED if self._has_driven else Position.UNKNOWN
