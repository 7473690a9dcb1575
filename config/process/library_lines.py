"""Put what native libraries write to stderr into the log, each kind of line once an hour.

FFmpeg, libjpeg and libpng write a line for every damaged picture. A pipe replaces stderr to read their
lines; Python itself keeps writing to the real stderr.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from config.process.threads import thread

log = logging.getLogger(__name__)

ALIKE_S = 3600.0
"""Lines that differ only in numbers are logged once in this time."""
MOST_KINDS = 20
"""Kinds of line logged in this time; more are only counted."""
MOST_LETTERS = 300
STDERR = 2
_READ = 1 << 16
_NUMBER = re.compile(r"0x[0-9a-fA-F]+|\d+")


class Digest:
    """Suppresses repeated lines. `now` gives monotonic seconds."""

    def __init__(self, tell: Callable[[str], None], now: Callable[[], float] = time.monotonic) -> None:
        """Call `tell` with each line to log."""
        self._tell, self._now = tell, now
        self._kinds: set[str] = set()
        self._since = now()
        self._beside = 0
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take bytes as they come; a line longer than MOST_LETTERS counts as complete."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MOST_LETTERS:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            if text := line[:MOST_LETTERS].decode("utf-8", "replace").strip():
                self._take(text)

    def end(self) -> None:
        """Log how many lines were suppressed."""
        if self._beside:
            self._tell(f"{self._beside} more such lines of libraries")
        self._beside = 0

    def _take(self, line: str) -> None:
        if self._now() >= self._since + ALIKE_S:
            self.end()
            self._kinds.clear()
            self._since = self._now()
        kind = _NUMBER.sub("#", line)
        if kind in self._kinds or len(self._kinds) >= MOST_KINDS:
            self._beside += 1
            return
        self._kinds.add(kind)
        self._tell(line)


@contextmanager
def library_lines() -> Iterator[None]:
    """Log what libraries write to stderr inside this context."""
    try:
        real = os.dup(STDERR)
    except OSError:  # there is no stderr: nobody reads it
        yield
        return
    read, write = os.pipe()
    digest = Digest(lambda line: log.warning("a library says: %s", line))
    with _python_to(real):
        os.dup2(write, STDERR)
        os.close(write)
        pump = thread(lambda: _pump(read, digest), "library lines")
        pump.start()
        try:
            yield
        finally:
            os.dup2(real, STDERR)  # closes the pipe's last writer, so that its reader ends
            pump.join(1.0)
            os.close(real)


def _pump(read: int, digest: Digest) -> None:
    with os.fdopen(read, "rb", buffering=0) as pipe:
        while data := pipe.read(_READ):
            digest.feed(data)
    digest.end()


@contextmanager
def _python_to(descriptor: int) -> Iterator[None]:
    """Let Python's stderr, and log handlers that use it, write to another descriptor."""
    before = sys.stderr
    if not _is_stderr(before):
        yield
        return
    own = os.fdopen(os.dup(descriptor), "w", buffering=1, encoding=before.encoding, errors="backslashreplace")
    with own:
        _move(before, own)
        try:
            yield
        finally:
            _move(own, before)


def _move(old: TextIO, new: TextIO) -> None:
    old.flush()
    sys.stderr = new
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is old:
            handler.setStream(new)


def _is_stderr(stream: TextIO) -> bool:
    try:
        return stream.fileno() == STDERR
    except (OSError, ValueError, AttributeError):
        return False
