"""Remembers a station's state across restarts: a file on the disk, and one in memory if the disk refuses."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Self

from config.process.atomic import write_atomic
from config.process.threads import within
from config.station import StationSettings

log = logging.getLogger(__name__)

READ_S = 2.0
"""Longest wait for one folder: a network mount that hangs must not keep lids shut."""


class FileLatch:
    """Set while the file is in any of its folders. Implements `edge.ports.Latch`."""

    file: ClassVar[str]
    thing: ClassVar[str]
    """What is remembered, for the log."""
    words: ClassVar[bytes]
    """What the file says to a person."""

    @classmethod
    def of(cls, settings: StationSettings) -> Self:
        """Make the latch of a station, and of the keeper of its lids."""
        return cls([Path(settings.station.state_dir), Path(settings.station.runtime_dir)])

    def __init__(self, folders: Iterable[Path]) -> None:
        """Keep it in each of these folders; a folder that refuses is logged."""
        self._files = [folder / self.file for folder in folders]

    @property
    def is_set(self) -> bool:
        """Whether the state has begun and not ended; a folder that cannot be read does not count."""
        return any(_is_there(file) for file in self._files)

    def keep(self, *, is_set: bool) -> None:
        """Set or clear the latch in every folder that can be written."""
        for file in self._files:
            try:
                if is_set:
                    file.parent.mkdir(parents=True, exist_ok=True)
                    write_atomic(file, self.words, durable=True)
                else:
                    file.unlink(missing_ok=True)
            except OSError as error:
                log.error("%s cannot be %s in %s (%s)", self.thing, _verb(is_set), file, error)  # noqa: TRY400


class EmergencyLatch(FileLatch):
    """Remembers that every motor is stopped."""

    file = "emergency"
    thing = "the emergency"
    words = b"Every motor of this station is stopped. A staff card tapped at the station ends that.\n"


class ServiceLatch(FileLatch):
    """Remembers that the office took the station out of service."""

    file = "out-of-service"
    thing = "that the station is out of service"
    words = b"The office took this station out of service. A command of the office ends that.\n"


def _verb(is_set: bool) -> str:  # noqa: FBT001 (a word for it)
    return "remembered" if is_set else "forgotten"


def _is_there(file: Path) -> bool:
    try:
        return within(READ_S, file.exists, "latch")
    except OSError as error:
        log.error("the file %s cannot be read (%s)", file, error)  # noqa: TRY400
        return False
