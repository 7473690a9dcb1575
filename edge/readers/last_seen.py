"""When each card reader was last heard, kept in memory where a restart of the station does not lose it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from config.process.atomic import write_atomic
from edge.ports import Clock

FILE = "readers.json"
WRITE_S = 10.0
"""Input within this time of the last is not written again: nobody needs it more exactly."""


class _Page(msgspec.Struct, frozen=True):
    boot: str
    heard: dict[str, float]


class LastSeenBook:
    """Monotonic seconds of this boot, by reader; from any thread.

    A folder that cannot be written costs the count over a restart, and `station check` its knowledge.
    """

    def __init__(self, folder: Path, boot: str, clock: Clock) -> None:
        """Go on from what stands in `folder`, if it is of the same boot."""
        self._file, self._boot, self._clock = folder / FILE, boot, clock
        self._lock = threading.Lock()
        self._heard = dict(read_last_seen(folder, boot))

    def last(self, reader: str) -> float | None:
        """Return when a reader last sent something in this boot; None if it did not."""
        return self._heard.get(reader)

    def note(self, reader: str) -> None:
        """Note that a reader sent something just now."""
        now = self._clock.now()
        with self._lock:
            before = self._heard.get(reader)
            if before is not None and now - before < WRITE_S:
                return
            self._heard[reader] = now
            with suppress(OSError):
                write_atomic(self._file, msgspec.json.encode(_Page(self._boot, self._heard)))


def read_last_seen(folder: Path, boot: str) -> Mapping[str, float]:
    """What a station of this boot wrote down in its folder in memory; empty when there is nothing to read."""
    try:
        page = msgspec.json.decode((folder / FILE).read_bytes(), type=_Page)
    except (OSError, msgspec.DecodeError):  # DecodeError: a machine that lost power while it was written
        return {}
    return page.heard if page.boot == boot else {}
