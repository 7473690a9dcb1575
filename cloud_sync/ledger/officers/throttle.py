"""Limits password attempts: checking one costs half a second of a processor, and anybody may try.

Two bounds: after some attempts an account and an address wait longer each time, up to a limit, so that
nobody is locked out for long; and few passwords are checked at once, so that residents' pages stay quick.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address, ip_network
from math import ceil

MOST_KEPT = 2048
"""Accounts and addresses kept; the one with the oldest attempt is dropped first."""
FORGOTTEN_S = 15 * 60.0
"""Attempts are forgotten after this long without another one."""
QUEUE = 4
QUEUE_S = 5.0
"""Attempts that may wait for a check, and for how long."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Number of attempts without a wait, and the longest wait in seconds."""

    free: int
    longest_s: float

    def wait_s(self, tries: int) -> float:
        """Return the wait after this many attempts: 1, 2, 4 … seconds beyond the free ones."""
        beyond = tries - self.free
        return 0.0 if beyond < 0 else min(self.longest_s, 2.0 ** min(beyond, 30))


ADDRESS = Patience(free=10, longest_s=60.0)
ACCOUNT = Patience(free=10, longest_s=10.0)
"""Shorter: an attacker's guesses must not lock the owner out."""


class TryLaterError(Exception):
    """Too many attempts; `wait_s` is the wait in whole seconds."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = max(1, ceil(wait_s))
        super().__init__(f"again in {self.wait_s} s")


@dataclass(slots=True)
class _Tries:
    count: int
    last_at: float
    next_at: float


class Throttle:
    """Admits attempts or says how long to wait. Thread-safe; `now` is monotonic."""

    def __init__(
        self, at_once: int, now: Callable[[], float] = time.monotonic, *, queue_s: float = QUEUE_S
    ) -> None:
        self._now, self._queue_s = now, queue_s
        self._lock = threading.Lock()
        self._tries: OrderedDict[str, _Tries] = OrderedDict()
        self._checks = threading.Semaphore(at_once)
        self._queue = threading.Semaphore(at_once + QUEUE)

    @contextmanager
    def attempt(self, account: str, address: str) -> Iterator[None]:
        """Count an attempt and hold a slot for its check; TryLaterError if it must wait.

        An attempt counts before its outcome is known, so that few of a hundred parallel ones are checked.
        """
        self._count({f"account {account}": ACCOUNT, f"address {network(address)}": ADDRESS})
        if not self._queue.acquire(blocking=False):
            raise TryLaterError(self._queue_s)
        try:
            if not self._checks.acquire(timeout=self._queue_s):
                raise TryLaterError(self._queue_s)
            try:
                yield
            finally:
                self._checks.release()
        finally:
            self._queue.release()

    def succeeded(self, account: str, address: str) -> None:
        """Forget the attempts of an account and address that signed in."""
        with self._lock:
            self._tries.pop(f"account {account}", None)
            self._tries.pop(f"address {network(address)}", None)

    def _count(self, keys: dict[str, Patience]) -> None:
        with self._lock:
            now = self._now()
            held = {key: self._tries.get(key) for key in keys}
            wait_s = max(tries.next_at - now if tries else 0.0 for tries in held.values())
            if wait_s > 0:
                raise TryLaterError(wait_s)
            for key, patience in keys.items():
                tries = held[key]
                count = 1 if tries is None or now - tries.last_at > FORGOTTEN_S else tries.count + 1
                self._tries[key] = _Tries(count, now, now + patience.wait_s(count))
                self._tries.move_to_end(key)
            while len(self._tries) > MOST_KEPT:
                self._tries.popitem(last=False)


def network(address: str) -> str:
    """Return the network that one subscriber has: the address itself, or its /64 for IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))


def checks_at_once() -> int:
    """Return half of this machine's processors, at least one."""
    return max(1, (os.cpu_count() or 1) // 2)


SIGN_IN = Throttle(checks_at_once())
"""The throttle of this process."""
