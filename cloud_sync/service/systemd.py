"""Notify systemd that a service is ready and that its loop still runs (sd_notify(3), in a few lines)."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Mapping

log = logging.getLogger(__name__)

NEVER_S = float("inf")
_PETS_A_LIMIT = 4
"""Pings within the watchdog's limit: a single late ping does not kill the service."""


class Notifier:
    """Notifies the service manager about this process; does nothing if there is none."""

    def __init__(self, address: str | None = None, limit_s: float = NEVER_S) -> None:
        """Notify the datagram socket at `address`; `limit_s` is the watchdog's timeout."""
        self._limit_s = limit_s
        self._petted_at = -NEVER_S
        self._socket: socket.socket | None = None
        if address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            # An abstract address begins with @ in the environment and with a zero byte in the kernel.
            self._address = "\0" + address[1:] if address.startswith("@") else address

    @property
    def pet_s(self) -> float:
        """The longest interval between calls of `pet`; infinite without a watchdog."""
        return self._limit_s / _PETS_A_LIMIT

    def ready(self) -> None:
        """Say that the service is ready."""
        self._say("READY=1")

    def pet(self) -> None:
        """Ping the watchdog; cheap, so call it in every loop iteration."""
        now = time.monotonic()
        if now >= self._petted_at + self.pet_s:
            self._petted_at = now
            self._say("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the service is stopping."""
        self._say("STOPPING=1")

    def close(self) -> None:
        """Close the socket; nothing is sent afterwards."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _say(self, words: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(words.encode("ascii"), self._address)
        except OSError as error:
            log.warning("the service manager cannot be told %s (%s)", words, error)


def notifier_of(environment: Mapping[str, str] | None = None, pid: int | None = None) -> Notifier:
    """Create the notifier that systemd's variables describe; by default this process's variables."""
    variables = os.environ if environment is None else environment
    limit_us = variables.get("WATCHDOG_USEC", "")
    meant_for = variables.get("WATCHDOG_PID", "")
    is_meant = not meant_for or meant_for == str(os.getpid() if pid is None else pid)
    limit_s = int(limit_us) / 1e6 if limit_us.isdigit() and int(limit_us) and is_meant else NEVER_S
    return Notifier(variables.get("NOTIFY_SOCKET"), limit_s)


class WatchedStop(threading.Event):
    """A stop flag that a loop checks in every iteration; each check pings the watchdog."""

    def __init__(self, notifier: Notifier) -> None:
        """Ping through `notifier`."""
        super().__init__()
        self._notifier = notifier

    def is_set(self) -> bool:
        """Return whether to stop, and ping."""
        self._notifier.pet()
        return super().is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a stop as an event does, and keep pinging: waiting is not hanging."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            self._notifier.pet()
            left = NEVER_S if until is None else until - time.monotonic()
            turn = min(left, self._notifier.pet_s)
            if super().wait(turn if turn < threading.TIMEOUT_MAX else None):
                return True
            if left <= turn:
                return False
