"""Number of the sync process's starts, which orders what a station says of itself over restarts and boots."""

from __future__ import annotations

import logging
from pathlib import Path

from config.process.atomic import write_atomic

log = logging.getLogger(__name__)

STARTS = "sync-starts"
LARGEST = 2**53


def next_start(folder: Path, unix_s: float) -> int:
    """Return a number greater than that of every earlier start, and keep it in `folder`.

    It is one more than the last, or the calendar's seconds if they are more: so a new memory card, which
    remembers no start, goes on after the old one. A folder that cannot be written is logged, and the number
    is used all the same.
    """
    path = folder / STARTS
    start = min(max(_last(path) + 1, int(unix_s)), LARGEST)
    try:
        write_atomic(path, b"%d\n" % start, durable=True)
    except OSError as error:
        log.warning("the number of this start cannot be kept in %s (%s)", path, error)
    return start


def _last(path: Path) -> int:
    """Return the number in the file; 0 if there is none that can be read."""
    try:
        text = path.read_bytes()[:32].strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() and len(text) <= len(str(LARGEST)) else 0
