"""What a service tells systemd: that it is ready, and that it still turns (sd_notify(3), in a few lines)."""

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
"""The watchdog is petted so often within its limit: one that is late is no reason to die."""


class Notifier:
    """Tells the service manager about this process; without one it does nothing."""

    def __init__(self, address: str | None = None, limit_s: float = NEVER_S) -> None:
        """Tell the datagram socket at `address`; `limit_s` is the watchdog's patience."""
        self._limit_s = limit_s
        self._petted_at = -NEVER_S
        self._socket: socket.socket | None = None
        if address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            # An abstract address begins with @ in the environment and with a zero byte in the kernel.
            self._address = "\0" + address[1:] if address.startswith("@") else address

    @property
    def pet_s(self) -> float:
        """How often `pet` should be called at least; infinite where nobody watches."""
        return self._limit_s / _PETS_A_LIMIT

    def ready(self) -> None:
        """The service does its work now."""
        self._say("READY=1")

    def pet(self) -> None:
        """The service turns; cheap, so call it at every turn."""
        now = time.monotonic()
        if now >= self._petted_at + self.pet_s:
            self._petted_at = now
            self._say("WATCHDOG=1")

    def stopping(self) -> None:
        """The service was asked to stop and is about it."""
        self._say("STOPPING=1")

    def close(self) -> None:
        """Say nothing any more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _say(self, words: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(words.encode("ascii"), self._address)
        except OSError as error:
            log.warning("the service manager does not hear %s (%s)", words, error)


def notifier_of(environment: Mapping[str, str] | None = None, pid: int | None = None) -> Notifier:
    """The notifier that systemd's variables describe: this process's own, unless others are given."""
    variables = os.environ if environment is None else environment
    limit_us = variables.get("WATCHDOG_USEC", "")
    meant_for = variables.get("WATCHDOG_PID", "")
    is_meant = not meant_for or meant_for == str(os.getpid() if pid is None else pid)
    limit_s = int(limit_us) / 1e6 if limit_us.isdigit() and int(limit_us) and is_meant else NEVER_S
    return Notifier(variables.get("NOTIFY_SOCKET"), limit_s)


class WatchedStop(threading.Event):
    """What a loop asks at every turn, whether it is to stop; being asked pets the watchdog."""

    def __init__(self, notifier: Notifier) -> None:
        """Pet by `notifier`."""
        super().__init__()
        self._notifier = notifier

    def is_set(self) -> bool:
        """Say whether to stop."""
        self._notifier.pet()
        return super().is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a stop as an event does, and pet meanwhile: to wait is no hang."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            self._notifier.pet()
            left = NEVER_S if until is None else until - time.monotonic()
            turn = min(left, self._notifier.pet_s)
            if super().wait(turn if turn < threading.TIMEOUT_MAX else None):
                return True
            if left <= turn:
                return False
