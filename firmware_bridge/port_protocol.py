"""The interface of a serial port for drivers. Pure; `firmware_bridge.port` has the real one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

READ_S = 0.25
"""Longest wait of one read for a byte, in seconds."""
BUSY = "another program uses it; stop that program"
"""The reason given to `on_lost` while another process holds the port."""


class Port(Protocol):
    """A serial port that is reopened after each failure until `stop`."""

    def start(self) -> None:
        """Open it; once."""
        ...

    def stop(self) -> None:
        """Close it, within a second."""
        ...

    def reopen(self) -> None:
        """Close it and open it again soon; call this from `on_poll`."""
        ...


class OpenPort(Protocol):
    """Makes a port, which reads once it is started. All callbacks run on the port's own thread."""

    def __call__(
        self,
        path: str,
        baud: int,
        on_bytes: Callable[[bytes], None],
        on_lost: Callable[[str], None],
        on_found: Callable[[], None],
        *,
        on_poll: Callable[[], float],
    ) -> Port:
        """Make a port; `firmware_bridge.port.SerialPort` describes the callbacks."""
        ...
