"""Backs off from communities whose messages the database could not take; the others go on. Pure.

Usually another writer holds the community's rows. Seconds are monotonic.
"""

from __future__ import annotations

import random

from msgspec import Struct

from cloud_sync.transport.mqtt import pause_s


class _Rest(Struct):
    since_s: float
    """Time of the first failure since the last success."""
    until_s: float
    failures: int


class Rests:
    """The communities that one worker backs off from."""

    def __init__(self, jitter: random.Random) -> None:
        self._rests: dict[str, _Rest] = {}
        self._jitter = jitter

    def rest(self, community: str, now_s: float) -> float:
        """Back off from a community that failed now, longer each time in a row; return the seconds."""
        known = self._rests.get(community)
        failures = 1 if known is None else known.failures + 1
        wait_s = pause_s(failures, self._jitter)
        since_s = now_s if known is None else known.since_s
        self._rests[community] = _Rest(since_s, now_s + wait_s, failures)
        return wait_s

    def is_well(self, community: str) -> None:
        """Forget the failures of a community that was just served."""
        self._rests.pop(community, None)

    def resting(self, now_s: float) -> list[str]:
        """Return the communities to skip at the moment."""
        return [name for name, rest in self._rests.items() if rest.until_s > now_s]

    def shortest_s(self, now_s: float) -> float:
        """Return the seconds until the first of them may be tried again; 0 if none rests."""
        return min((rest.until_s - now_s for rest in self._rests.values() if rest.until_s > now_s), default=0)

    def busy_for(self, seconds: float, now_s: float) -> list[str]:
        """Return the communities that have failed for this long or longer."""
        return [name for name, rest in self._rests.items() if now_s - rest.since_s >= seconds]
