"""A simulated lid: a plant of motor, hand and switches, moved by the rules of real lids.

`firmware_bridge.lid_motion` decides here as in the lids' own process and, in C, in a microcontroller, so a
simulation tests the lease rules that ship. The lease is kept below the station: a station that dies leaves no
lid driven open.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import StrEnum, auto
from math import inf

from config.station import VisitSection
from edge.messages import LeaseRefused, LeaseTaken, LidClosed, LidObstructed, LidOpened
from edge.ports import Inbox
from edge.sim.lid_log import Note, What
from edge.sim.timeline import Happening, Timeline
from firmware_bridge import h_bridge
from firmware_bridge.h_bridge import Bridge, Drive
from firmware_bridge.lid_motion import (
    GrantLease,
    LeaseRequest,
    LidInputs,
    Motion,
    Phase,
    RevokeLease,
    found,
    halted,
    lid_times,
    must_rest,
    next_due,
    step,
)
from firmware_bridge.twin.plant import OPEN, SHUT, PlantLid

NOTES_KEPT = 100_000
_MS = 1000


class LidFault(StrEnum):
    """A fault of a lid."""

    STUCK_SHUT = auto()
    STUCK_OPEN = auto()
    OPEN_SWITCH_DEAD = auto()
    SHUT_SWITCH_DEAD = auto()


class SimLid:
    """One bin's lid. Implements `edge.ports.Lid`; its other methods are what people and faults do to it."""

    def __init__(self, bin_id: str, waits: VisitSection, timeline: Timeline, inbox: Inbox) -> None:
        """Begin shut, with power; post the switches' events to `inbox`."""
        self.notes: deque[Note] = deque(maxlen=NOTES_KEPT)
        self.opened_at = -inf
        """When the lid last opened fully by command; a reversal while shutting does not count."""
        self.when_opened: Callable[[], object] = lambda: None
        """Called each time that `opened_at` changes, for an observer."""
        self._bin, self._timeline, self._inbox = bin_id, timeline, inbox
        self._times = lid_times(waits)
        self._plant = PlantLid(travel_ms=waits.travel_s * _MS)
        self._motion = Motion()
        self._bridge = Bridge()
        self._faults: set[LidFault] = set()
        self._has_power = True
        self._is_stopped = False
        self._was_shut = True
        self._asked_until = -inf
        """Until when the station wants the lid open; the log compares the rules' motion with it."""
        self._at = timeline.clock.now()
        self._seen = self._plant.seen()
        self._next: Happening | None = None

    # --- the port ---------------------------------------------------------------------------------

    def open(self, lease_s: float) -> None:
        """Open, or stay open, at most `lease_s` seconds from now."""
        with self._timeline.changed:
            if not self._has_power or self._is_stopped:
                return
            stood_open_unleased = self._plant.place == OPEN and self._now >= self._asked_until
            self._asked_until = self._now + lease_s
            self._note(What.LEASED)
            rests = must_rest(self._motion, self._inputs(), self._now, self._times)
            self._inbox.post((LeaseRefused if rests else LeaseTaken)(self._now, self._bin))
            self._advance(GrantLease(lease_s))
            if stood_open_unleased:
                self._stands_open()

    def end_lease(self) -> None:
        """Shut the lid now, unless something is in its way."""
        with self._timeline.changed:
            self._asked_until = min(self._asked_until, self._now)
            if not self._is_stopped:
                self._advance(RevokeLease())

    def stop_motors(self) -> None:
        """Turn the motor off where the lid stands, and ignore requests until `resume_motors`."""

        def stop() -> None:
            self._is_stopped = True
            self._asked_until = min(self._asked_until, self._now)
            self._motion = halted(self._motion, self._now)

        self._change(stop)

    def resume_motors(self) -> None:
        """Take requests again, and post the lid's position; nothing moves until the next request."""
        with self._timeline.changed:
            self._is_stopped = False
            self._advance()
            if self._seen.closed:
                self._inbox.post(LidClosed(self._now, self._bin))
            elif self._seen.opened:
                self._inbox.post(LidOpened(self._now, self._bin))

    # --- what people see and do -------------------------------------------------------------------

    @property
    def position(self) -> float:
        """0 shut, 1 open."""
        moving = PlantLid(self._plant.place, self._plant.travel_ms, self._plant.drive, self._is_jammed())
        moving.advance(self._now - self._at)
        return moving.place / OPEN

    @property
    def is_open(self) -> bool:
        """Whether it is fully open."""
        return self._plant.place == OPEN and self._plant.drive is not Drive.SHUT

    @property
    def has_opened(self) -> bool:
        """Whether it has been fully open since it was last shut."""
        return not self._was_shut

    @property
    def is_shut(self) -> bool:
        """Whether it rests shut."""
        return self._plant.place == SHUT and self._plant.drive is not Drive.OPEN

    @property
    def is_closing(self) -> bool:
        """Whether it is closing."""
        return self._plant.drive is Drive.SHUT

    def obstruct(self) -> None:
        """Put something in the lid's way; a closing lid reverses at once."""
        self._change(lambda: self._obstruct(is_in_the_way=True))

    def clear(self) -> None:
        """Remove what was in the lid's way."""
        self._change(lambda: self._obstruct(is_in_the_way=False))

    # --- faults -----------------------------------------------------------------------------------

    def fail(self, fault: LidFault) -> None:
        """Begin a fault."""
        self._change(lambda: self._faults.add(fault))

    def mend(self) -> None:
        """End every fault; a lid that no rule will move any more is shut by hand."""
        self._change(self._faults.clear)
        with self._timeline.changed:
            if self._motion.phase in (Phase.LEFT_OPEN, Phase.RESTING):
                self._plant.place = SHUT
                self._advance()

    def power_off(self) -> None:
        """Cut the power: the lid stays where it is and loses its lease."""

        def cut() -> None:
            self._has_power = False
            self._asked_until = min(self._asked_until, self._now)

        self._change(cut)

    def power_on(self) -> None:
        """Restore the power: a lid found open is shut once its way was free for a while."""

        def start() -> None:
            if not self._has_power:
                self._has_power, self._bridge = True, Bridge()
                self._motion = Motion() if self._is_stopped else found(self._inputs(), self._now)

        self._change(start)

    # --- what moves it ----------------------------------------------------------------------------

    @property
    def _now(self) -> float:
        return self._timeline.clock.now()

    def _change(self, what: Callable[[], object]) -> None:
        """Change the lid; the rules see it as it was until now, and then the change."""
        with self._timeline.changed:
            self._advance()
            what()
            self._advance()

    def _obstruct(self, *, is_in_the_way: bool) -> None:
        self._plant.is_obstructed = is_in_the_way

    def _is_jammed(self) -> bool:
        place = self._plant.place
        return (place == SHUT and LidFault.STUCK_SHUT in self._faults) or (
            place == OPEN and LidFault.STUCK_OPEN in self._faults
        )

    def _inputs(self) -> LidInputs:
        self._plant.open_switch = False if LidFault.OPEN_SWITCH_DEAD in self._faults else None
        self._plant.shut_switch = False if LidFault.SHUT_SWITCH_DEAD in self._faults else None
        return self._plant.seen()

    def _move(self) -> None:
        """Move the lid to where its motor has brought it by now; at an end it is exactly at that end."""
        self._plant.is_jammed = self._is_jammed()
        arrives = self._at + self._to_go_s() <= self._now
        self._plant.advance(self._now - self._at)
        if arrives and not self._plant.is_jammed:
            self._plant.place = self._end()
        self._at = self._now

    def _to_go_s(self) -> float:
        """Return the time that the motor still needs to its end; inf if it does not move the lid."""
        if self._plant.drive is Drive.OFF or self._is_jammed() or self._plant.place == self._end():
            return inf
        return abs(self._end() - self._plant.place) / OPEN * self._plant.travel_ms / _MS

    def _end(self) -> float:
        return OPEN if self._plant.drive is Drive.OPEN else SHUT

    def _advance(self, request: LeaseRequest | None = None) -> None:
        """Do one step of the rules, as `edge.lids.gpio_lid` does; then plan the next."""
        if self._next is not None:
            self._next.cancel()
        self._move()
        before, seen_before = self._motion, self._seen
        self._seen = seen = self._inputs()
        if self._has_power:
            self._motion = step(before, request, seen, self._now, self._times)
        self._arrive()
        self._drive()
        if self._has_power:
            self._tell(before, seen_before, asked_to_open=isinstance(request, GrantLease))
        due = self._due()
        self._next = self._timeline.call_at(due, self._advance) if due < inf else None

    def _drive(self) -> None:
        wanted = self._motion.drive if self._has_power else Drive.OFF
        self._bridge = h_bridge.command(self._bridge, wanted, self._now)
        if self._bridge.drive is not self._plant.drive:
            self._plant.drive = self._bridge.drive
            self._note(self._what())

    def _what(self) -> What:
        match self._plant.drive:
            case Drive.OPEN:
                return What.REVERSED if self._motion.phase is Phase.REVERSING else What.DRIVEN_OPEN
            case Drive.SHUT:
                return What.DRIVEN_SHUT
            case Drive.OFF:
                return What.STOPPED

    def _due(self) -> float:
        if not self._has_power:
            return inf
        rests = self._bridge.drive is not self._motion.drive
        rested = h_bridge.rest_ends(self._bridge) if rests else inf
        return max(self._now, min(next_due(self._motion, self._times), rested, self._now + self._to_go_s()))

    # --- what is told -----------------------------------------------------------------------------

    def _note(self, what: What) -> None:
        self.notes.append(Note(self._now, what, self._asked_until))

    def _arrive(self) -> None:
        """Note that people see the lid at an end, whatever its switches report."""
        if self._plant.place == SHUT and not self._was_shut:
            self._was_shut = True
            self._note(What.SHUT)
        elif self._plant.place == OPEN and self._was_shut:
            self._was_shut = False
            self._note(What.OPENED)
            self._stands_open()

    def _stands_open(self) -> None:
        self.opened_at = self._now
        self.when_opened()

    def _tell(self, before: Motion, seen_before: LidInputs, *, asked_to_open: bool) -> None:
        # A lid that stands open already reports it again when asked to open: the station waits for that.
        if self._seen.opened and (asked_to_open or not seen_before.opened):
            self._inbox.post(LidOpened(self._now, self._bin))
        if self._seen.closed and not seen_before.closed:
            self._inbox.post(LidClosed(self._now, self._bin))
        if self._motion.blocks > before.blocks:
            self._inbox.post(LidObstructed(self._now, self._bin))
