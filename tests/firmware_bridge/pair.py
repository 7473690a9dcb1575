"""A host and a device over two simulated wires, in virtual time."""

from __future__ import annotations

from collections.abc import Sequence

from firmware_bridge.link.events import Event, Received, Up
from firmware_bridge.link.link import Link
from firmware_bridge.link.messages import Report, Request, Welcome
from firmware_bridge.twin.device_link import DeviceEvent, DeviceLink
from tests.firmware_bridge.damage import PerfectWire

STEP_S = 0.001
WELCOME = Welcome(1, 1, 0, 0, 4, 2, 1, 0b110100, 4, (1, 0, 0))


class Ids:
    """Return a source of predictable link ids: 1001, 1002, …"""

    def __init__(self) -> None:
        self.last = 1000

    def __call__(self) -> int:
        self.last += 1
        return self.last


class Pair:
    """Both ends; `run` lets time pass from one due time to the next."""

    def __init__(self, down: PerfectWire, up: PerfectWire) -> None:
        self.now = 0.0
        self.down, self.up = down, up
        self.host = Link(Ids(), self.now)
        self.device = DeviceLink(7, WELCOME, self.now)
        self.events: list[Event] = []
        self.heard: list[DeviceEvent] = []

    @property
    def told(self) -> list[Report]:
        return [event.report for event in self.events if isinstance(event, Received)]

    def ask(self, *requests: Request) -> None:
        self._host(b"", requests)

    def tell(self, *reports: Report) -> None:
        for report in reports:
            self.device.report(report, self.now)
        self._device(b"")

    def reboot(self, boot: int) -> None:
        self.device = DeviceLink(boot, WELCOME, self.now)

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.turn()
            due = min(self.host.next_due(), self.device.next_due(), self.down.next_due(), self.up.next_due())
            self.now = min(max(self.now + STEP_S, due), until)
        self.turn()

    def run_until_up(self, within_s: float = 60.0) -> None:
        until = self.now + within_s
        while not (self.host.is_up and any(isinstance(event, Up) for event in self.events)):
            assert self.now < until, "no link"
            self.run(0.01)

    def turn(self) -> None:
        for piece in self.down.take(self.now) or [b""]:
            self._device(piece)
        for piece in self.up.take(self.now) or [b""]:
            self._host(piece, ())

    def _host(self, data: bytes, requests: Sequence[Request]) -> None:
        turn = self.host.step(self.now, data, requests)
        self.down.send(turn.out, self.now)
        self.events += turn.events

    def _device(self, data: bytes) -> None:
        self.heard += self.device.receive(data, self.now)
        out, events = self.device.send(self.now)
        self.heard += events
        self.up.send(out, self.now)
