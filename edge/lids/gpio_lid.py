"""A lid wired to the Pi's own pins: its own thread carries out the rules of lid_motion."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from math import inf

from config.wiring import GpioLidSection
from edge.hardware.contacts import POLL_S, DebouncedContact
from edge.hardware.debounce import DebounceTimes
from edge.hardware.pins import Contact, Factory, pin_errors
from edge.hardware.polled_thread import PolledThread
from edge.lids.motors import Output, motor_of, output_of
from edge.messages import LeaseRefused, LeaseTaken, LidClosed, LidObstructed, LidOpened
from edge.ports import Clock, Inbox
from firmware_bridge.h_bridge import Drive
from firmware_bridge.lid_motion import (
    DRIVE_TRAVELS,
    GrantLease,
    LeaseRequest,
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

log = logging.getLogger(__name__)

POLL_DRIVING_S = 0.01
"""Poll interval while a motor runs, in case an edge is lost: the lid moves a few millimetres in it."""
SWITCH = DebounceTimes(on_s=0.02, off_s=0.02)
WAY_IS_FREE = DebounceTimes(on_s=0.2, off_s=0.0)
"""Something in the way is believed at once, a free way only after it lasted."""


class GpioLid:
    """One bin's lid at the Pi's own pins, of any kind. Implements `edge.ports.Lid`.

    A switch connects its pin to ground while the lid is at it. The obstruction contact is closed while the
    way is free, so that a broken wire counts as something in the way. The lid's own thread ends the lease,
    even if the station that asked is gone. At start the lid's position is posted; a lid found open is shut
    once its way was free for a while.
    """

    def __init__(  # noqa: PLR0913 (the parts of a lid)
        self,
        bin_id: str,
        wires: GpioLidSection,
        times: LidTimes,
        clock: Clock,
        inbox: Inbox,
        factory: Factory,
        *,
        output: Output | None = None,
    ) -> None:
        """Claim the pins, motor off; InputError for a pin that cannot be claimed. `start` begins the watch.

        With an `output` the motor's pins are claimed elsewhere.
        """
        self._bin = bin_id
        self._times = times
        self._clock = clock
        self._inbox = inbox
        self._lock = threading.Lock()
        self._motion = Motion()
        self._motor_due = inf
        self._was_found = False
        self._was_open = False
        self._is_live = False
        self._is_stopped = False
        self._loop = PolledThread(f"lid {bin_id}", self._turn, self._stop_motor)
        with ExitStack() as claimed:

            def contact(pin: int, settling: DebounceTimes) -> DebouncedContact:
                made = DebouncedContact(Contact(pin, self._loop.wake, factory), settling)
                claimed.callback(made.close)
                return made

            self._closed = contact(wires.closed_switch, SWITCH)
            pin = wires.opened_switch
            self._opened = None if pin is None else contact(pin, SWITCH)
            pin = wires.obstruction
            self._free = None if pin is None else contact(pin, WAY_IS_FREE)
            self._contacts = [each for each in (self._closed, self._opened, self._free) if each is not None]
            self._motor = motor_of(wires, output or output_of(wires, factory))
            claimed.callback(self._motor.close)  # claimed last, so that it is halted and released first
            self._pins = claimed.pop_all()

    @property
    def polled_at(self) -> float:
        """When the lid's thread last polled, in seconds of time.monotonic."""
        return self._loop.polled_at

    @property
    def is_at_rest(self) -> bool:
        """Whether the lid is shut or was given up: it moves no more without a request."""
        with self._lock:
            return self._motion.phase in (Phase.RESTING, Phase.LEFT_OPEN)

    def start(self) -> None:
        """Begin to watch the switches; once. Until then `open` does nothing: nobody would stop the motor."""
        self._is_live = True
        self._loop.start()

    def open(self, lease_s: float) -> None:
        """Open, or stay open, at most `lease_s` seconds from now. The motor turns when this returns."""
        self._ask(GrantLease(lease_s))

    def end_lease(self) -> None:
        """Shut now, unless something is in the way."""
        self._ask(RevokeLease())

    def tell(self) -> None:
        """Post the lid's position again, for a station that has just connected."""
        with self._lock:
            now, seen = self._clock.now(), self._seen(self._motion, self._clock.now())
        if seen.opened:
            self._inbox.post(LidOpened(now, self._bin))
        if seen.closed:
            self._inbox.post(LidClosed(now, self._bin))

    def stop_motors(self) -> None:
        """Halt the motor where the lid stands, and ignore requests until `resume_motors`."""
        with self._lock:
            self._is_stopped = True
            self._was_found = True  # a lid that stands open now must not be shut by itself later
            if self._is_live:
                self._motion = halted(self._motion, self._clock.now())
                self._halt()
        self._loop.wake()

    def resume_motors(self) -> None:
        """Take requests again; nothing moves until one comes."""
        with self._lock:
            self._is_stopped = False

    def stop(self) -> None:
        """Halt the motor where the lid stands and release the pins. From now on `open` does nothing."""
        with self._lock:
            self._is_live = False
            self._pins.close()
        self._loop.stop()

    def _ask(self, request: LeaseRequest) -> None:
        # On the caller's thread: a handover could cost a tap 5 ms, the interpreter's switch interval.
        try:
            with self._lock:
                if not self._is_stopped:
                    self._advance(request)
        except pin_errors() as error:
            log.error("lid %s: its pins failed (%s)", self._bin, error)  # noqa: TRY400 (traced by the loop)
        self._loop.wake()

    def _turn(self) -> float:
        with self._lock:
            self._advance(None)
            return self._wait_s()

    def _advance(self, request: LeaseRequest | None) -> None:
        if not self._is_live:
            return
        now, before = self._clock.now(), self._motion
        news = {contact: contact.read(now) for contact in self._contacts}
        if not self._was_found and self._closed.is_closed is not None:
            self._was_found = True
            if before.phase is Phase.RESTING:  # no request came first
                before = found(self._seen(before, now), now)
        seen = self._seen(before, now)
        if isinstance(request, GrantLease):
            rests = must_rest(before, seen, now, self._times)
            self._inbox.post((LeaseRefused if rests else LeaseTaken)(now, self._bin))
        self._motion = step(before, request, seen, now, self._times)
        self._motor_due = self._motor.obey(self._motion, now)
        # A lid that already stands open says so again after a request: the station waits for it.
        opened_is_news = not self._was_open or isinstance(request, GrantLease)
        self._was_open = seen.opened
        self._tell(before, seen, opened_is_news=opened_is_news, closed_is_news=news[self._closed])

    def _seen(self, motion: Motion, now: float) -> LidInputs:
        closed = self._closed.is_closed is True
        seems_open = _seems_open(motion, now, self._times) and not closed
        return LidInputs(
            opened=seems_open if self._opened is None else self._opened.is_closed is True,
            closed=closed,
            obstructed=self._free is not None and self._free.is_closed is not True,
        )

    def _tell(self, before: Motion, seen: LidInputs, *, opened_is_news: bool, closed_is_news: bool) -> None:
        now = self._clock.now()
        if opened_is_news and seen.opened:
            self._inbox.post(LidOpened(now, self._bin))
        if closed_is_news and seen.closed:
            self._inbox.post(LidClosed(now, self._bin))
        if self._motion.blocks > before.blocks:
            self._inbox.post(LidObstructed(now, self._bin))
        if self._motion.phase is Phase.LEFT_OPEN and before.phase is not Phase.LEFT_OPEN:
            both = seen.opened and seen.closed
            why = "both limit switches are closed" if both else "something is in its way"
            log.warning("lid %s: left open, %s", self._bin, why)

    def _wait_s(self) -> float:
        due = min(
            next_due(self._motion, self._times),
            self._motor_due,
            *(contact.due for contact in self._contacts),
        )
        poll_s = POLL_S if self._motion.drive is Drive.OFF else POLL_DRIVING_S
        return max(0.0, min(poll_s, due - self._clock.now()))

    def _stop_motor(self) -> None:
        """Halt after a failed turn: a lid that cannot be watched must not move."""
        with self._lock:
            if self._is_live:
                self._halt()

    def _halt(self) -> None:
        try:
            self._motor.halt()
        except pin_errors() as error:
            log.error("lid %s: its motor cannot be stopped (%s)", self._bin, error)  # noqa: TRY400


def _seems_open(motion: Motion, now: float, times: LidTimes) -> bool:
    """Whether a lid that is not shut and has no open switch counts as open.

    It does once its motor has driven it open for a whole travel.
    """
    if motion.phase in (Phase.OPENING, Phase.REVERSING):
        return now >= motion.since + times.drive_s / DRIVE_TRAVELS
    return motion.phase in (Phase.HELD, Phase.WAITING)
