"""Limits attempts to sign in: checking a password costs half a second of a processor, and anybody may try.

Two bounds: after some attempts an account and an address wait longer each time, up to a limit, so that
nobody is locked out for long; and few attempts are checked at once, so that residents' pages stay quick.
An account's attempts are counted in the database, for all processes; those of an address in this process.
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
from typing import Protocol

from cloud_sync.ledger.officers.attempts import FORGOTTEN_S, MOST_KEPT, Patience, StoredCounts

QUEUE = 4
QUEUE_S = 5.0
"""Attempts that may wait for a check, and for how long."""


ADDRESS = Patience(free=10, longest_s=60.0)
ACCOUNT = Patience(free=10, longest_s=10.0)
"""Shorter: an attacker's guesses must not lock the owner out."""
CODE = Patience(free=5, longest_s=15 * 60.0)
"""Longer: six digits are few, and only who has the password comes this far. A day has 100 guesses at most."""


class AccountCounts(Protocol):
    """Where attempts at accounts are counted."""

    def count(self, account: str, patience: Patience) -> float:
        """Count an attempt and return 0; if the account must wait, return the seconds and count nothing."""
        ...

    def forget(self, account: str) -> None:
        """Forget the attempts at an account."""
        ...


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
        self,
        at_once: int,
        accounts: AccountCounts,
        account: Patience = ACCOUNT,
        now: Callable[[], float] = time.monotonic,
        *,
        queue_s: float = QUEUE_S,
    ) -> None:
        self._accounts, self._patience = accounts, account
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
        self._refuse(network(address))
        if wait_s := self._accounts.count(account, self._patience):
            raise TryLaterError(wait_s)
        self._count(network(address))
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
        self._accounts.forget(account)
        with self._lock:
            self._tries.pop(network(address), None)

    def _refuse(self, network: str) -> None:
        """Raise TryLaterError if an address must wait; then the account's attempts are not counted."""
        with self._lock:
            tries, now = self._tries.get(network), self._now()
            if tries is not None and tries.next_at > now:
                raise TryLaterError(tries.next_at - now)

    def _count(self, network: str) -> None:
        with self._lock:
            now, tries = self._now(), self._tries.get(network)
            count = 1 if tries is None or now - tries.last_at > FORGOTTEN_S else tries.count + 1
            self._tries[network] = _Tries(count, now, now + ADDRESS.wait_s(count))
            self._tries.move_to_end(network)
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


SIGN_IN = Throttle(checks_at_once(), StoredCounts("password"))
"""Of passwords."""
CODES = Throttle(checks_at_once(), StoredCounts("code"), CODE)
"""Of second factors."""
