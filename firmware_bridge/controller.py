"""A microcontroller on a serial port: the port's thread keeps the link."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from firmware_bridge.link.events import Down, Event
from firmware_bridge.link.link import Link, LinkOutput
from firmware_bridge.link.messages import Request
from firmware_bridge.port import SerialPort

BAUD = 115_200


@dataclass(frozen=True, slots=True)
class PortLost:
    """The port cannot be opened or used; `reason` says why and how to fix it. Posted once each time."""

    reason: str


@dataclass(frozen=True, slots=True)
class PortFound:
    """The port is open; `Up` or `Down` follows and says whether one of our devices is on it."""


ControllerEvent = Event | PortLost | PortFound


def _uncounted(port: int) -> None:
    """Count no line errors: the link itself detects damaged frames and reports a noisy line."""
    del port


class Controller:
    """Keeps a link over one port from `start` until `stop`, and sends requests over it.

    `on_event` is called on the port's thread, in order; it may call `ask`. At `Up`, send the lids' settings:
    a device that restarted has lost them. Requests while the link is down are dropped.
    """

    def __init__(
        self,
        path: str,
        on_event: Callable[[ControllerEvent], None],
        now: Callable[[], float],
        draw_id: Callable[[], int],
        on_poll: Callable[[], None] = lambda: None,
    ) -> None:
        """Take `now`, which gives monotonic seconds, and `draw_id`, random numbers from 1 to 0xFFFFFFFF.

        `on_poll` is called on the port's thread several times a second while the port is open.
        """
        self._on_event = on_event
        self._on_poll = on_poll
        self._now = now
        self._lock = threading.Lock()
        self._link = Link(draw_id, now())
        self._events: list[ControllerEvent] = []
        self._is_open = False
        self._port = SerialPort(
            path, BAUD, self._received, self._lost, self._found, on_poll=self._turn, count_errors=_uncounted
        )

    @property
    def is_up(self) -> bool:
        """Whether requests reach the device."""
        return self._link.is_up

    def start(self) -> None:
        """Open the port and begin the link; once."""
        self._port.start()

    def stop(self) -> None:
        """Close the port, within a second. The device ends every lease once the host is silent."""
        self._port.stop()

    def ask(self, *requests: Request) -> None:
        """Send requests; the port has their bytes when this returns, unless credit holds them back.

        From any thread; never blocks. A newer request may replace one that waits.
        """
        with self._lock:
            if not self._link.is_up:
                return
            self._carry_out(self._link.step(self._now(), requests=requests))
        self._port.wake()  # its thread must be back in time for the answer, and delivers the events

    def _received(self, data: bytes) -> None:
        with self._lock:
            self._carry_out(self._link.step(self._now(), data))

    def _turn(self) -> float:
        with self._lock:
            now = self._now()
            if self._is_open and now >= self._link.next_due():
                self._carry_out(self._link.step(now))
            wait_s = self._link.next_due() - now
        self._deliver()
        self._on_poll()
        return wait_s

    def _found(self) -> None:
        with self._lock:
            self._is_open = True
            self._events.append(PortFound())
            self._carry_out(self._link.port_found(self._now()))

    def _lost(self, reason: str) -> None:
        with self._lock:
            self._is_open = False
            self._events.append(PortLost(reason))
            self._carry_out(self._link.port_lost(self._now()))
        self._deliver()

    def _carry_out(self, output: LinkOutput) -> None:
        """Write the bytes and queue the events; call it with the lock held."""
        if any(isinstance(event, Down) for event in output.events):
            self._port.discard()  # bytes of the old link in a stalled port must not open a lid later
        self._port.write(output.out)
        self._events += output.events

    def _deliver(self) -> None:
        with self._lock:
            events, self._events = self._events, []
        for event in events:
            self._on_event(event)
