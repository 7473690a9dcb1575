"""Reads what the stations' witnesses write to their pipe."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from config.process.threads import interrupt, thread
from edge.sim.people.witnessed import (
    LeaseExcess,
    LidStoodOpen,
    Line,
    PointsSpoken,
    RecordKept,
    RecordRefused,
    ThingThrown,
)
from scripts.soak.judge.reckoning import Life
from scripts.soak.judge.rows import EventId

_WORDS = msgspec.json.Decoder(Line)


class Telemetry:
    """What was read so far. Its own thread reads, so that no station waits for us."""

    def __init__(self) -> None:
        self.told: dict[EventId, int] = {}
        """Points by record."""
        self.lives: defaultdict[tuple[str, str], Life] = defaultdict(Life)
        """By station and epoch."""
        self.beyond_lease_s = 0.0
        self._reading, self.pipe = os.pipe()
        self._thread = thread(self._hear, "telemetry", interrupt)
        self._thread.start()

    def close(self) -> None:
        """Read the last lines and end; call it after every station has ended."""
        os.close(self.pipe)
        self._thread.join()

    def _hear(self) -> None:
        with os.fdopen(self._reading, "rb") as lines:
            for line in lines:
                word = _WORDS.decode(line)
                self._note(word, self.lives[word.station, word.epoch])

    def _note(self, word: Line, life: Life) -> None:
        match word:
            case RecordKept():
                self.told[word.station, word.epoch, word.sequence] = word.points
                life.kept.append(word)
            case ThingThrown():
                life.threw.append(word)
            case LidStoodOpen():
                life.opened.append(word)
            case PointsSpoken():
                life.spoke.append(word)
            case RecordRefused():
                life.refusals += 1
            case LeaseExcess():
                self.beyond_lease_s = max(self.beyond_lease_s, word.beyond_lease_s)


@contextmanager
def telemetry() -> Iterator[Telemetry]:
    """Make a telemetry that is closed in any case."""
    ours = Telemetry()
    try:
        yield ours
    finally:
        ours.close()
