"""A lid with its motor, limit switches and the microcontroller that keeps its lease.

The lease is kept here, below the station, as a real controller keeps it: a station that dies leaves no
lid driven open.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, StrEnum, auto
from math import inf
from typing import TYPE_CHECKING

from edge.messages import LidClosed, LidObstructed, LidOpened
from edge.sim.lid_log import Note, What

if TYPE_CHECKING:
    from edge.ports import Inbox
    from edge.sim.timeline import Happening, Timeline

CONTACT = 0.4
"""Where a closing lid meets what is in its way: this part of its travel from shut."""
RETRY_S = 1.5
"""How long a lid that was in someone's way stands open before it tries to shut again."""
NOTES_KEPT = 100_000


class LidFault(StrEnum):
    """What can be wrong with a lid."""

    STUCK_SHUT = auto()
    STUCK_OPEN = auto()
    OPEN_SWITCH_DEAD = auto()
    SHUT_SWITCH_DEAD = auto()


class Drive(Enum):
    """Which way the motor turns."""

    OPEN = 1
    NONE = 0
    SHUT = -1


class SimLid:
    """One bin's lid. Implements `edge.ports.Lid`; all else is what people and faults do to it."""

    def __init__(self, bin_id: str, travel_s: float, timeline: Timeline, inbox: Inbox) -> None:
        """Begin shut, with power, and post to `inbox` what the switches say."""
        self.notes: deque[Note] = deque(maxlen=NOTES_KEPT)
        self.opened_at = -inf
        """When the lid last came to stand open by command; a reversal on its way shut does not count."""
        self._bin = bin_id
        self._travel_s = travel_s
        self._timeline = timeline
        self._inbox = inbox
        self._faults: set[LidFault] = set()
        self._has_power = True
        self._is_stopped = False
        self._is_obstructed = False
        self._was_shut = True
        self._leased_until = -inf
        self._position = 0.0
        self._since = 0.0
        self._drive = Drive.NONE
        self._arrival: Happening | None = None
        self._lease_end: Happening | None = None
        self._retry: Happening | None = None

    # --- the port ---------------------------------------------------------------------------------

    def open(self, lease_s: float) -> None:
        """Open, or stay open, at most `lease_s` seconds from now."""
        with self._timeline.changed:
            if not self._has_power or self._is_stopped:
                return
            stood_open_unleased = self.is_open and self._now >= self._leased_until
            self._leased_until = self._now + lease_s
            _cancel(self._lease_end, self._retry)
            self._lease_end = self._timeline.call_at(self._leased_until, self._shut)
            self._note(What.LEASED)
            self._turn(Drive.OPEN)
            if stood_open_unleased:
                self.opened_at = self._now
                self._post_opened()

    def end_lease(self) -> None:
        """Let the lid shut now, unless something is in its way."""
        with self._timeline.changed:
            gives_way = self._reverses or not (self._retry is None or self._retry.is_over)
            _cancel(self._lease_end)
            self._leased_until = min(self._leased_until, self._now)
            if not gives_way:
                self._shut()

    def stop_motors(self) -> None:
        """Turn the motor off, wherever the lid stands, and take no request until `resume_motors`."""
        with self._timeline.changed:
            self._is_stopped = True
            self._leased_until = min(self._leased_until, self._now)
            _cancel(self._lease_end, self._retry)
            self._turn(Drive.NONE)

    def resume_motors(self) -> None:
        """Take requests again, and post where the lid is; nothing moves until it is asked to."""
        with self._timeline.changed:
            self._is_stopped = False
            if self.is_shut and LidFault.SHUT_SWITCH_DEAD not in self._faults:
                self._inbox.post(LidClosed(self._now, self._bin))
            elif self.is_open:
                self._post_opened()

    # --- what people see and do -------------------------------------------------------------------

    @property
    def position(self) -> float:
        """0 shut, 1 open."""
        moved = self._drive.value * (self._now - self._since) / self._travel_s
        return min(1.0, max(0.0, self._position + moved))

    @property
    def is_open(self) -> bool:
        """Whether it stands fully open."""
        return self._position == 1.0 and self._drive is not Drive.SHUT

    @property
    def has_opened(self) -> bool:
        """Whether it has been fully open since it was last shut."""
        return not self._was_shut

    @property
    def is_shut(self) -> bool:
        """Whether it rests shut."""
        return self._position == 0.0 and self._drive is not Drive.OPEN

    @property
    def is_closing(self) -> bool:
        """Whether it is on its way down."""
        return self._drive is Drive.SHUT

    def obstruct(self) -> None:
        """Put something in the lid's way; a closing lid stops at it and reverses."""
        with self._timeline.changed:
            self._is_obstructed = True
            self._go_on()

    def clear(self) -> None:
        """Take away what was in the lid's way."""
        with self._timeline.changed:
            self._is_obstructed = False
            self._go_on()

    # --- faults -----------------------------------------------------------------------------------

    def fail(self, fault: LidFault) -> None:
        """Begin a fault."""
        with self._timeline.changed:
            self._faults.add(fault)
            self._go_on()

    def mend(self) -> None:
        """End every fault; the controller tries at once what it could not do."""
        with self._timeline.changed:
            self._faults.clear()
            wants_open = self._now < self._leased_until
            self._turn(Drive.OPEN if wants_open else Drive.SHUT)

    def power_off(self) -> None:
        """Cut the power: the lid stays where it is, and its lease is forgotten."""
        with self._timeline.changed:
            self._has_power = False
            self._leased_until = min(self._leased_until, self._now)
            _cancel(self._lease_end, self._retry)
            self._turn(Drive.NONE)

    def power_on(self) -> None:
        """Bring the power back: with no lease, the lid shuts."""
        with self._timeline.changed:
            self._has_power = True
            self._shut()

    # --- the controller ---------------------------------------------------------------------------

    @property
    def _now(self) -> float:
        return self._timeline.clock.now()

    def _note(self, what: What) -> None:
        self.notes.append(Note(self._now, what, self._leased_until))

    def _shut(self) -> None:
        self._turn(Drive.SHUT)

    def _go_on(self) -> None:
        """Plan a movement anew: something about its way has changed."""
        if self._drive is not Drive.NONE:
            self._turn(self._drive, What.REVERSED if self._reverses else None)

    @property
    def _reverses(self) -> bool:
        return self._drive is Drive.OPEN and self._now >= self._leased_until

    def _turn(self, drive: Drive, why: What | None = None) -> None:
        """Run the motor one way from where the lid is, as far as the lid can go."""
        self._position, self._since = self.position, self._now
        _cancel(self._arrival)
        self._drive = drive if self._has_power and not self._is_stopped else Drive.NONE
        if self._drive is Drive.NONE or self._position == self._end_of(drive) or self._is_jammed():
            self._drive = Drive.NONE
            self._note(What.STOPPED)
            return
        self._note(why or (What.DRIVEN_OPEN if drive is Drive.OPEN else What.DRIVEN_SHUT))
        if drive is Drive.SHUT and self._is_obstructed:
            way, meets = self._position - CONTACT, self._touched
        else:
            way, meets = abs(self._end_of(drive) - self._position), self._arrived
        self._arrival = self._timeline.call_in(max(0.0, way) * self._travel_s, meets)

    @staticmethod
    def _end_of(drive: Drive) -> float:
        return 1.0 if drive is Drive.OPEN else 0.0

    def _is_jammed(self) -> bool:
        stuck = LidFault.STUCK_SHUT if self._drive is Drive.OPEN else LidFault.STUCK_OPEN
        return stuck in self._faults and self._position == 1.0 - self._end_of(self._drive)

    def _touched(self) -> None:
        self._inbox.post(LidObstructed(self._now, self._bin))
        self._turn(Drive.OPEN, What.REVERSED)

    def _arrived(self) -> None:
        self._position, self._since = self._end_of(self._drive), self._now
        drive, self._drive = self._drive, Drive.NONE
        if drive is Drive.SHUT:
            self._note(What.SHUT)
            self._was_shut = True
            if LidFault.SHUT_SWITCH_DEAD not in self._faults:
                self._inbox.post(LidClosed(self._now, self._bin))
            return
        self._note(What.OPENED)
        if self._was_shut:
            self._was_shut, self.opened_at = False, self._now
        self._post_opened()
        if self._now >= self._leased_until:
            self._retry = self._timeline.call_in(RETRY_S, self._shut)

    def _post_opened(self) -> None:
        if LidFault.OPEN_SWITCH_DEAD not in self._faults:
            self._inbox.post(LidOpened(self._now, self._bin))


def _cancel(*happenings: Happening | None) -> None:
    for happening in happenings:
        if happening is not None:
            happening.cancel()
