"""Limit connections in total and for each address, and log one line for many closed connections.

A connection that waits (no complete request yet, or idle between two) gives its place to a newer one. A
connection that is being answered keeps it.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Protocol

log = logging.getLogger(__name__)

GATHER_S = 5.0
"""How long the first log line waits to gather more connections."""
QUIET_S = 60.0
"""After that the log gets one line in this time, however many there are."""

Later = Callable[[float, Callable[[], None]], object]
"""Calls a function after so many seconds: an event loop's `call_later`."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits on what strangers may use of one server. Seconds count from the first byte that is due."""

    connections: int = 256
    per_address: int = 32
    header_s: float = 10.0
    """For a whole request line with its headers."""
    body_s: float = 10.0
    """For the whole body after them."""
    answer_s: float = 30.0
    """For reading an answer that is ready."""
    body_bytes: int = 64 * 1024
    proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies: each brings many people, so only the total limit applies to it."""


class Guest(Protocol):
    """One connection, as the gate sees it."""

    @property
    def waits(self) -> bool:
        """Whether no complete request waits for its answer."""

    def turn_away(self) -> None:
        """Close it."""


class TurnedAway:
    """Counts closed connections by reason, for one line in the log."""

    def __init__(self, later: Later) -> None:
        self._later = later
        self._reasons: Counter[str] = Counter()
        self._addresses: Counter[str] = Counter()
        self._is_due = False

    def note(self, reason: str, address: str) -> None:
        """Count one; it appears in the log within QUIET_S."""
        self._reasons[reason] += 1
        self._addresses[address] += 1
        if not self._is_due:
            self._is_due = True
            self._later(GATHER_S, self._tell)

    def _tell(self) -> None:
        self._is_due = bool(self._reasons)
        if not self._is_due:
            return
        self.flush()
        self._later(QUIET_S, self._tell)

    def flush(self) -> None:
        """Log the counts now."""
        if not self._reasons:
            return
        reasons = ", ".join(f"{count} {reason}" for reason, count in self._reasons.most_common())
        (most, times), *others = self._addresses.most_common()
        beside = f", the rest from {len(others)} more addresses" if others else ""
        log.warning("connections closed: %s; %d from %s%s", reasons, times, most, beside)
        self._reasons.clear()
        self._addresses.clear()


class Gate:
    """Keeps connections within bounds. Call all methods in the server's event loop."""

    def __init__(self, bounds: Bounds, turned_away: TurnedAway) -> None:
        self.bounds = bounds
        self.turned_away = turned_away
        self._proxies = [ip_network(proxy) for proxy in bounds.proxies]
        self._here: dict[Guest, str] = {}  # in the order they came

    def enter(self, guest: Guest, address: str) -> None:
        """Let a connection in; if there is one too many, close the longest waiting one, or else this one."""
        self._here[guest] = address
        if not self._is_proxy(address):
            self._make_room(
                guest,
                [one for one, at in self._here.items() if at == address],
                self.bounds.per_address,
                f"beyond {self.bounds.per_address} of one address",
            )
        if guest in self._here:
            in_all = f"beyond {self.bounds.connections} in all"
            self._make_room(guest, list(self._here), self.bounds.connections, in_all)

    def leave(self, guest: Guest) -> None:
        """Forget a connection that is closed."""
        self._here.pop(guest, None)

    def _is_proxy(self, address: str) -> bool:
        try:
            return any(ip_address(address) in network for network in self._proxies)
        except ValueError:
            return False

    def _make_room(self, guest: Guest, among: list[Guest], most: int, reason: str) -> None:
        if len(among) <= most:
            return
        going = next((one for one in among if one.waits and one is not guest), guest)
        self.turned_away.note(reason, self._here.pop(going))
        going.turn_away()
