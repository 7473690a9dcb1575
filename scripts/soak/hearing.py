"""Hears what quick stations tell on their pipe."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from config.threads import interrupt, thread
from scripts.soak.checks import EventId
from scripts.soak.station import Lids, Told

_WORDS = msgspec.json.Decoder(Told | Lids)


class Hearing:
    """What has been told so far. A thread of its own reads, so that no station waits for us."""

    def __init__(self) -> None:
        self.told: dict[EventId, int] = {}
        """Points by record."""
        self.beyond_lease_s = 0.0
        self._reading, self.pipe = os.pipe()
        self._thread = thread(self._hear, "hearing", interrupt)
        self._thread.start()

    def close(self) -> None:
        """Hear the last words and end; every station has ended before."""
        os.close(self.pipe)
        self._thread.join()

    def _hear(self) -> None:
        with os.fdopen(self._reading, "rb") as lines:
            for line in lines:
                match _WORDS.decode(line):
                    case Told(station, epoch, sequence, points):
                        self.told[station, epoch, sequence] = points
                    case Lids(_, beyond_lease_s):
                        self.beyond_lease_s = max(self.beyond_lease_s, beyond_lease_s)


@contextmanager
def hearing() -> Iterator[Hearing]:
    """A hearing that is closed at the end, whatever happens."""
    ours = Hearing()
    try:
        yield ours
    finally:
        ours.close()
