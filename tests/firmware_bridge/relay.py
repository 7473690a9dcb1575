"""A simulated wire between two ptys: the host opens one, the device has the other."""

from __future__ import annotations

import os
import select
import threading
import time
import tty
from contextlib import suppress

from tests.firmware_bridge.damage import PerfectWire


class Relay:
    """Carries bytes both ways on a thread, as the wires let them through."""

    def __init__(self, device: str, down: PerfectWire, up: PerfectWire) -> None:
        self._far, near = os.openpty()
        tty.setraw(near)
        self.path = os.ttyname(near)
        self._near = near  # held open: the host may come and go
        self._device = os.open(device, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._device)
        for port in (self._far, self._device):
            os.set_blocking(port, False)
        self._down, self._up = down, up
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay")
        self._thread.start()

    def inject(self, noise: bytes) -> None:
        """Send the host bytes that no device sent."""
        with suppress(BlockingIOError):
            os.write(self._far, noise)

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()
        for port in (self._far, self._near, self._device):
            os.close(port)

    def _run(self) -> None:
        while not self._stopping.is_set():
            now = time.monotonic()
            due = min(self._down.next_due(), self._up.next_due())
            readable, _, _ = select.select([self._far, self._device], [], [], min(0.01, max(0.0, due - now)))
            now = time.monotonic()
            if self._far in readable:
                self._down.send(os.read(self._far, 4096), now)
            if self._device in readable:
                self._up.send(os.read(self._device, 4096), now)
            _write(self._device, self._down.take(now))
            _write(self._far, self._up.take(now))


def _write(port: int, pieces: list[bytes]) -> None:
    for piece in pieces:
        with suppress(BlockingIOError):  # nobody reads: gone, as on a wire
            os.write(port, piece)
