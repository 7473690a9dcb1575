"""Four simulated wires. Time is passed in; the damage is seeded."""

from __future__ import annotations

import random
from collections import deque
from math import inf


class PerfectWire:
    """Everything arrives at once, in the pieces in which it was sent."""

    def __init__(self) -> None:
        self._under_way: deque[bytes] = deque()

    def send(self, data: bytes, now: float) -> None:
        del now
        if data:
            self._under_way.append(data)

    def take(self, now: float) -> list[bytes]:
        """Return the pieces that have arrived by `now`."""
        del now
        pieces = list(self._under_way)
        self._under_way.clear()
        return pieces

    def next_due(self) -> float:
        """Return when the next piece arrives."""
        return -inf if self._under_way else inf


class ByteWire(PerfectWire):
    """Everything arrives, one byte at a time."""

    def send(self, data: bytes, now: float) -> None:
        for byte in data:
            super().send(bytes([byte]), now)


class BadWire(PerfectWire):
    """A fifth of the bytes is lost or flipped, in bursts, as by a loose plug or a motor's brush.

    Were each byte damaged by itself, hardly a frame of 15 bytes would ever pass (0.8 to the 15th is 3.5 %),
    and the one thing to test would be that nothing happens.
    """

    SHARE = 0.2
    BURST = 40
    """Bytes that a burst damages, on average."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._chance = random.Random(seed)
        self._is_bad = False
        self.sent = self.damaged = 0

    def send(self, data: bytes, now: float) -> None:
        super().send(b"".join(map(self._damage, data)), now)

    def _damage(self, byte: int) -> bytes:
        leaves = 1 / self.BURST
        if self._chance.random() < (leaves if self._is_bad else leaves * self.SHARE / (1 - self.SHARE)):
            self._is_bad = not self._is_bad
        self.sent += 1
        if not self._is_bad:
            return bytes([byte])
        self.damaged += 1
        return b"" if self._chance.random() < 0.5 else bytes([byte ^ self._chance.randint(1, 255)])


class SlowWire(PerfectWire):
    """A byte takes a millisecond, a tenth of the real speed, and bytes arrive one at a time."""

    BYTE_S = 0.001

    def __init__(self) -> None:
        super().__init__()
        self._arriving: deque[tuple[float, int]] = deque()

    def send(self, data: bytes, now: float) -> None:
        for byte in data:
            start = max(now, self._arriving[-1][0] if self._arriving else now)
            self._arriving.append((start + self.BYTE_S, byte))

    def take(self, now: float) -> list[bytes]:
        pieces = []
        while self._arriving and self._arriving[0][0] <= now:
            pieces.append(bytes([self._arriving.popleft()[1]]))
        return pieces

    def next_due(self) -> float:
        return self._arriving[0][0] if self._arriving else inf


def wire(name: str, seed: int) -> PerfectWire:
    """Make a wire by name: perfect, bytes, bad or slow."""
    return {"perfect": PerfectWire, "bytes": ByteWire, "bad": lambda: BadWire(seed), "slow": SlowWire}[name]()


WIRES = ("perfect", "bytes", "bad", "slow")
