"""Which communities the database could not take lately, and how long each rests for that. Pure.

A busy community's rows are somebody else's at the moment; the others are served meanwhile. Seconds are
monotonic.
"""

from __future__ import annotations

import random

from msgspec import Struct

from cloud_sync.transport.mqtt import pause_s


class _Rest(Struct):
    since_s: float
    """When it failed first."""
    until_s: float
    failures: int


class Rests:
    """What rests in one worker."""

    def __init__(self, jitter: random.Random) -> None:
        self._rests: dict[str, _Rest] = {}
        self._jitter = jitter

    def rest(self, community: str, now_s: float) -> float:
        """Let a community rest that failed now, longer each time in a row; for how long."""
        known = self._rests.get(community)
        failures = 1 if known is None else known.failures + 1
        wait_s = pause_s(failures, self._jitter)
        since_s = now_s if known is None else known.since_s
        self._rests[community] = _Rest(since_s, now_s + wait_s, failures)
        return wait_s

    def is_well(self, community: str) -> None:
        """Forget what failed of a community: it was just served."""
        self._rests.pop(community, None)

    def resting(self, now_s: float) -> list[str]:
        """Communities that are to be left alone at the moment."""
        return [name for name, rest in self._rests.items() if rest.until_s > now_s]

    def shortest_s(self, now_s: float) -> float:
        """How long until the first of them has rested."""
        return min((rest.until_s - now_s for rest in self._rests.values() if rest.until_s > now_s), default=0)

    def busy_for(self, seconds: float, now_s: float) -> list[str]:
        """Communities that have failed for so long already."""
        return [name for name, rest in self._rests.items() if now_s - rest.since_s >= seconds]
