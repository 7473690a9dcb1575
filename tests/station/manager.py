"""A service manager's end of NOTIFY_SOCKET."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Self

from cloud_sync.service.systemd import Notifier


class Manager:
    """Listens to what services say."""

    def __init__(self, folder: Path, limit_s: float) -> None:
        self.address = folder / "notify"
        self.env = {
            "NOTIFY_SOCKET": os.fspath(self.address),
            "WATCHDOG_USEC": str(round(limit_s * 1e6)),
            "WATCHDOG_PID": "",
        }
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(os.fspath(self.address))
        self.heard: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def listen(self) -> list[str]:
        """Give all that was said until now."""
        while True:
            try:
                self.heard.append(self._socket.recv(256).decode("ascii"))
            except BlockingIOError:
                return self.heard


class Readiness(Notifier):
    """Hears in this process that a service is ready."""

    def __init__(self) -> None:
        super().__init__()
        self.came = threading.Event()

    def ready(self) -> None:
        self.came.set()
