"""A serial wire that a test can unplug: a pty behind a constant name, like a port's udev name."""

from __future__ import annotations

import os
import select
import termios
import tty
from collections.abc import Callable
from pathlib import Path

from tests.waiting import tried

SEND_AGAIN_S = 0.5


class Wire:
    def __init__(self, name: Path) -> None:
        self.path = str(name)
        self._name = name
        self._master: int | None = None

    def plug_in(self) -> None:
        self._master, device = os.openpty()
        tty.setraw(device)
        fresh = self._name.with_suffix(".new")
        fresh.symlink_to(os.ttyname(device))
        fresh.replace(self._name)
        os.close(device)

    def unplug(self) -> None:
        if self._master is not None:
            os.close(self._master)
            self._master = None
            self._name.unlink()

    def send(self, data: bytes) -> None:
        assert self._master is not None
        os.write(self._master, data)

    def send_again_until(self, data: bytes, condition: Callable[[], object]) -> None:
        """Send repeatedly, like a held card: bytes are lost while the port is being opened."""
        tried(lambda: self.send(data), condition, "what was sent is heard", SEND_AGAIN_S)

    def baud(self) -> int:
        """Return the port's speed, as termios names it."""
        assert self._master is not None
        speed: int = termios.tcgetattr(self._master)[5]
        return speed

    def set_baud(self, speed: int) -> None:
        """Set the speed while another program has the port open."""
        assert self._master is not None
        attributes = termios.tcgetattr(self._master)
        attributes[4] = attributes[5] = speed
        termios.tcsetattr(self._master, termios.TCSANOW, attributes)

    def heard(self) -> bytes:
        """Return the bytes written to the port since the last call."""
        assert self._master is not None
        readable, _, _ = select.select([self._master], [], [], 0.1)
        try:
            return os.read(self._master, 65536) if readable else b""
        except OSError:  # nobody has the port open
            return b""

    def let_go(self) -> int:
        """Hand over the far end, which the caller must close; the device and its name stay."""
        assert self._master is not None
        master, self._master = self._master, None
        return master
