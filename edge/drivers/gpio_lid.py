"""A lid wired straight to the Pi's pins: lid_motion's rules, carried out by a thread of the lid's own."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from math import inf
from typing import TYPE_CHECKING

from edge.drivers.debounce import Settling
from edge.drivers.loop import Loop
from edge.drivers.pins import Contact, HBridge, pin_errors
from edge.drivers.switches import POLL_S, SettledContact
from edge.messages import LidClosed, LidObstructed, LidOpened
from firmware_bridge import h_bridge
from firmware_bridge.h_bridge import Bridge, Drive
from firmware_bridge.lid_motion import EndLease, Motion, OpenFor, Phase, Seen, next_due, step

if TYPE_CHECKING:
    from config.wiring import HBridgeLid
    from edge.drivers.pins import Factory
    from edge.ports import Clock, Inbox
    from firmware_bridge.lid_motion import LidTimes, Request

log = logging.getLogger(__name__)

POLL_DRIVING_S = 0.01
"""How often levels are read while a motor runs, should an edge be lost: a lid moves a few millimetres."""
SWITCH = Settling(on_s=0.02, off_s=0.02)
WAY_IS_FREE = Settling(on_s=0.2, off_s=0.0)
"""Believed late that the way is free, and at once that it is not."""


class GpioLid:
    """One bin's lid: an H-bridge, a switch at each end, an obstruction input. Implements `edge.ports.Lid`.

    A switch connects its pin to ground while the lid is there; the obstruction input's contact does while
    the way is free, so that a broken wire counts as something in the way. The lid's own thread ends its
    lease, whatever becomes of the station's. Nothing moves before the first `open` or `end_lease`; where
    the lid is found at start is posted, since a lid found open is news.
    """

    def __init__(
        self, bin_id: str, wires: HBridgeLid, times: LidTimes, clock: Clock, inbox: Inbox, factory: Factory
    ) -> None:
        """Claim the pins, motor off; InputError for a pin that cannot be had. `start` begins the watch."""
        self._bin = bin_id
        self._times = times
        self._clock = clock
        self._inbox = inbox
        self._lock = threading.Lock()
        self._motion = Motion()
        self._bridge = Bridge()
        self._is_live = False
        self._loop = Loop(f"lid {bin_id}", self._turn, self._stop_motor)
        with ExitStack() as claimed:

            def contact(pin: int, settling: Settling) -> SettledContact:
                made = SettledContact(Contact(pin, self._loop.wake, factory), settling)
                claimed.callback(made.close)
                return made

            self._opened = contact(wires.opened_switch, SWITCH)
            self._closed = contact(wires.closed_switch, SWITCH)
            pin = wires.obstruction
            self._free = None if pin is None else contact(pin, WAY_IS_FREE)
            self._motor = HBridge(wires.open_pin, wires.close_pin, factory)
            claimed.callback(self._motor.close)  # claimed last: given back, and halted, first
            self._pins = claimed.pop_all()

    def start(self) -> None:
        """Begin to watch the switches; once. Before it, `open` does nothing: nobody would stop the motor."""
        self._is_live = True
        self._loop.start()

    def open(self, lease_s: float) -> None:
        """Open, or stay open, at most `lease_s` seconds from now. The motor turns when this returns."""
        self._ask(OpenFor(lease_s))

    def end_lease(self) -> None:
        """Shut now, unless something is in the way."""
        self._ask(EndLease())

    def stop(self) -> None:
        """Halt the motor, wherever the lid stands, and give the pins back. `open` does nothing any more."""
        with self._lock:
            self._is_live = False
            self._pins.close()
        self._loop.stop()

    def _ask(self, request: Request) -> None:
        # On the caller's thread: handing it over could cost a tap 5 ms, the interpreter's switch interval.
        try:
            with self._lock:
                self._advance(request)
        except pin_errors() as error:
            log.error("lid %s: its pins failed (%s)", self._bin, error)  # noqa: TRY400 (its loop traces it)
        self._loop.wake()

    def _turn(self) -> float:
        with self._lock:
            self._advance(None)
            return self._wait_s()

    def _advance(self, request: Request | None) -> None:
        if not self._is_live:
            return
        now, before = self._clock.now(), self._motion
        # A lid that stands open already says so again to whoever asks: the station waits to hear it.
        opened = self._opened.read(now) or isinstance(request, OpenFor)
        closed = self._closed.read(now)
        if self._free is not None:
            self._free.read(now)
        self._motion = step(before, request, self._seen(), now, self._times)
        self._bridge = h_bridge.command(self._bridge, self._motion.drive, now)
        self._motor.set(self._bridge.drive)
        self._tell(before, opened, closed)

    def _seen(self) -> Seen:
        return Seen(
            opened=self._opened.is_closed is True,
            closed=self._closed.is_closed is True,
            obstructed=self._free is not None and self._free.is_closed is not True,
        )

    def _tell(self, before: Motion, opened_is_news: bool, closed_is_news: bool) -> None:  # noqa: FBT001
        now, seen = self._clock.now(), self._seen()
        if opened_is_news and seen.opened:
            self._inbox.post(LidOpened(now, self._bin))
        if closed_is_news and seen.closed:
            self._inbox.post(LidClosed(now, self._bin))
        if self._motion.blocks > before.blocks:
            self._inbox.post(LidObstructed(now, self._bin))
        if self._motion.phase is Phase.LEFT_OPEN and before.phase is not Phase.LEFT_OPEN:
            log.warning("lid %s: left open, something is in its way", self._bin)

    def _wait_s(self) -> float:
        turns_round = self._bridge.drive is not self._motion.drive
        due = min(
            next_due(self._motion, self._times),
            h_bridge.rest_ends(self._bridge) if turns_round else inf,
            self._opened.due,
            self._closed.due,
            inf if self._free is None else self._free.due,
        )
        poll_s = POLL_S if self._motion.drive is Drive.OFF else POLL_DRIVING_S
        return max(0.0, min(poll_s, due - self._clock.now()))

    def _stop_motor(self) -> None:
        """Called when a turn failed: what cannot be watched must not move."""
        with self._lock:
            if not self._is_live:
                return
            try:
                self._motor.set(Drive.OFF)
            except pin_errors() as error:
                log.error("lid %s: its motor cannot be stopped (%s)", self._bin, error)  # noqa: TRY400
