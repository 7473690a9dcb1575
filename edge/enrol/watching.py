"""How running services learn that their station has enrolled again, and complete what was interrupted."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from config.errors import InputError
from config.reading.enrolled import ENROLLED
from config.reading.files import mend_of
from edge.enrol.keeping import complete

log = logging.getLogger(__name__)

Mark = tuple[int, int, int] | None


def complete_enrolment(state_dir: Path) -> None:
    """Complete an enrolment that a kill or a power cut interrupted; InputError if that cannot be written."""
    try:
        if complete(state_dir):
            log.info("an enrolment that was interrupted is complete")
    except OSError as error:
        what = f"no keys can be kept in {state_dir} ({error.strerror or error})"
        raise InputError(what, mend_of(error, state_dir)) from None


class EnrolmentWatch:
    """Is set when `stopping` is, or once enrolment has replaced its file since this was made."""

    def __init__(self, state_dir: Path, stopping: threading.Event) -> None:
        self._file, self._stopping = state_dir / ENROLLED, stopping
        self._mark = self._now()

    def is_set(self) -> bool:
        """Return whether to stop, or to begin again with the new files."""
        if self._stopping.is_set():
            return True
        if self._now() in {None, self._mark}:
            return False
        log.info("the station has enrolled again: it goes on with its new key")
        return True

    def _now(self) -> Mark:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
