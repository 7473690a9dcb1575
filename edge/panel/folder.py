"""Reads what the station wrote into its runtime folder, as one value."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from cloud_sync.wire.station_state import CabinetReading
from edge.screen.state import PICTURE_FILE, STATE_FILE, STATE_STALE_S, LiveState

log = logging.getLogger(__name__)

OUT_OF_SERVICE_S = 300.0
"""A station that has been away for this long is out of service: residents are told to go elsewhere."""
LOOKS_PER_S = 10
"""The station writes at most this often, so faster reads find nothing new."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that the screen is drawn from. Two equal scenes look the same.

    `live` is None while the station is starting or down. Its `written_s` is 0, because no page shows it. Its
    readings are kept separately: their ages always change, and only the installer's page shows them.
    `picture` names the picture's version, None while there is none. `is_long_away`: the station has been down
    for OUT_OF_SERVICE_S.
    """

    live: LiveState | None
    picture: str | None
    is_long_away: bool = False
    readings: tuple[CabinetReading, ...] = field(default=(), compare=False)


class RuntimeFolder:
    """Reads a runtime folder at most `LOOKS_PER_S` times a second, for any number of callers.

    `now` returns Unix time, as the station writes it; `elapsed` returns monotonic seconds.
    """

    def __init__(self, folder: Path, now: Callable[[], float], elapsed: Callable[[], float]) -> None:
        self._folder = folder
        self._now = now
        self._elapsed = elapsed
        self._seen: tuple[float, Scene] | None = None
        self._complaint: str | None = None
        self._away_since: float | None = None

    def scene(self) -> Scene:
        """Return the scene, at most a tenth of a second old."""
        at = self._elapsed()
        if self._seen is None or at - self._seen[0] >= 1 / LOOKS_PER_S:
            self._seen = (at, self._look())
        return self._seen[1]

    def picture(self) -> bytes | None:
        """Return the picture on the screen as JPEG; None when the screen shows none.

        A deposit is private once the screen no longer shows it.
        """
        if self.scene().picture is None:
            return None
        try:
            return (self._folder / PICTURE_FILE).read_bytes()
        except OSError:
            return None

    def _look(self) -> Scene:
        live = self._read()
        # abs(): a dead station must not look alive because the clock was set back.
        age_s = 0.0 if live is None else abs(self._now() - live.written_s)
        if age_s > STATE_STALE_S:
            live = None
        shown = live and msgspec.structs.replace(live, written_s=0.0, readings=())
        readings = () if live is None else live.readings
        return Scene(shown, self._version(live), self._is_long_away(live, age_s), readings)

    def _is_long_away(self, live: LiveState | None, age_s: float) -> bool:
        """Return whether the station is down for long: by its last state, or since this panel missed it."""
        if live is not None:
            self._away_since = None
            return False
        now = self._elapsed()
        if self._away_since is None:
            self._away_since = now
        return max(age_s, now - self._away_since) >= OUT_OF_SERVICE_S

    def _read(self) -> LiveState | None:
        try:
            live = msgspec.json.decode((self._folder / STATE_FILE).read_bytes(), type=LiveState)
        except FileNotFoundError:
            live = None
        except (OSError, msgspec.DecodeError) as error:
            self._complain(f"{STATE_FILE}: {error}")
            return None
        self._complain(None)
        return live

    def _version(self, live: LiveState | None) -> str | None:
        # A restarted station counts from 1 again; the file's own time tells old and new apart.
        if live is None or live.picture == 0:
            return None
        try:
            return f"{live.picture}-{(self._folder / PICTURE_FILE).stat().st_mtime_ns}"
        except OSError:
            return None

    def _complain(self, complaint: str | None) -> None:
        """Log an unreadable file once, not ten times a second."""
        if complaint is not None and complaint != self._complaint:
            log.warning("%s: cannot be read: %s", self._folder, complaint)
        self._complaint = complaint
