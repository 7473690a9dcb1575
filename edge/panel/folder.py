"""What the station left in its runtime folder, read as one value; this side only ever reads."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from edge.screen.state import LINK_FILE, PICTURE_FILE, STATE_FILE, LiveState

log = logging.getLogger(__name__)

STALE_AFTER_S = 5.0
"""A state written longer ago than this is no longer true: the station is starting or down."""
LOOKS_PER_S = 10
"""The station writes no more often, so looking more often shows nothing new."""

Record = TypeVar("Record", bound=msgspec.Struct)


class StatementLink(msgspec.Struct, frozen=True):
    """The last resident's statement, as the demo leaves it: an http address and whose it is."""

    url: Annotated[str, msgspec.Meta(pattern="^https?://", max_length=2000)]
    name: str


@dataclass(frozen=True, slots=True)
class Scene:
    """All that the screen is drawn from. Two equal scenes look the same.

    `live` is None while the station is starting or down; its `written_s` is 0, for it never shows.
    `picture` names the picture's version, None while there is none.
    """

    live: LiveState | None
    link: StatementLink | None
    picture: str | None


class RuntimeFolder:
    """Reads a runtime folder at most `LOOKS_PER_S` times a second, however many ask.

    `now` gives Unix time, as the station writes it; `elapsed` never steps.
    """

    def __init__(self, folder: Path, now: Callable[[], float], elapsed: Callable[[], float]) -> None:
        self._folder = folder
        self._now = now
        self._elapsed = elapsed
        self._seen: tuple[float, Scene] | None = None
        self._complaint: str | None = None

    def scene(self) -> Scene:
        """The scene as it was at most a tenth of a second ago."""
        at = self._elapsed()
        if self._seen is None or at - self._seen[0] >= 1 / LOOKS_PER_S:
            self._seen = (at, self._look())
        return self._seen[1]

    def picture(self) -> bytes | None:
        """The JPEG of the picture on the screen, whole; None when the screen shows none.

        What the last resident threw in is nobody's business once the screen has forgotten it.
        """
        if self.scene().picture is None:
            return None
        try:
            return (self._folder / PICTURE_FILE).read_bytes()
        except OSError:
            return None

    def _look(self) -> Scene:
        complaints: list[str] = []
        live = self._read(STATE_FILE, LiveState, complaints)
        link = self._read(LINK_FILE, StatementLink, complaints)
        self._complain("; ".join(complaints) or None)
        # A clock that was set back must not keep a dead station looking alive: hence abs().
        if live is not None and abs(self._now() - live.written_s) > STALE_AFTER_S:
            live = None
        return Scene(live and msgspec.structs.replace(live, written_s=0.0), link, self._version(live))

    def _read(self, name: str, record: type[Record], complaints: list[str]) -> Record | None:
        try:
            return msgspec.json.decode((self._folder / name).read_bytes(), type=record)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            complaints.append(f"{name}: {error}")
            return None

    def _version(self, live: LiveState | None) -> str | None:
        # A restarted station counts from 1 again; the file's own time tells the two ones apart.
        if live is None or live.picture == 0:
            return None
        try:
            return f"{live.picture}-{(self._folder / PICTURE_FILE).stat().st_mtime_ns}"
        except OSError:
            return None

    def _complain(self, complaint: str | None) -> None:
        """Log what cannot be read once, not ten times a second."""
        if complaint is not None and complaint != self._complaint:
            log.warning("%s: cannot be read: %s", self._folder, complaint)
        self._complaint = complaint
