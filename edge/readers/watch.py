"""Watches a card reader: silent for long, or sending only noise."""

from __future__ import annotations

import logging

from config.wiring import ReaderSection
from edge.faults import FaultCode
from edge.hardware.fault_latch import FaultLatch
from edge.ports import Clock, Inbox
from edge.readers.last_seen import LastSeenBook

log = logging.getLogger(__name__)

MOST_TRIES = 8
"""Tries in a row without a card that count as noise; one damaged fob causes fewer."""
AGAIN_S = 3600.0
"""A silent reader is reopened at this interval."""
REPEAT_S = 2.0
"""An RDM6300 repeats a held fob's frame thirty times within this; an impatient person taps again."""
RETAP_S = 10.0
"""A person whose tap failed taps again within this, and a burst of noise is over."""
_HOUR_S = 3600.0


class ReaderWatch:
    """Raises READER_QUIET and READER_GARBLED of one reader, and clears them; used by one thread.

    Silence counts only while the reader could be heard, and over restarts of the station where a `book`
    keeps it. The first byte ends it; noise ends with a card.
    """

    def __init__(self, section: ReaderSection, clock: Clock, inbox: Inbox, book: LastSeenBook | None) -> None:
        """Go on from where the book says once `resume` says that it can be heard."""
        self._id, self._clock, self._book = section.id, clock, book
        self._quiet_s = section.quiet_hours * _HOUR_S
        last = None if book is None else book.last(section.id)
        self._since = clock.now() if last is None else last
        self._acted_at: float | None = None
        self._paused_at: float | None = clock.now()
        self._tries = 0.0
        self._quiet = FaultLatch(FaultCode.READER_QUIET, section.id, clock, inbox)
        self._garbled = FaultLatch(FaultCode.READER_GARBLED, section.id, clock, inbox)

    def note_input(self, tries: float, *, cards: int) -> None:
        """Note input: `tries` attempts to send a card, `cards` of which were cards."""
        self._since, self._acted_at = self._clock.now(), None
        self._quiet.show(on=False)
        self._tries = 0.0 if cards else self._tries + tries
        if self._tries >= MOST_TRIES or cards:
            self._garbled.show(on=not cards)
        if self._book is not None:
            self._book.note(self._id)

    def is_due(self) -> bool:
        """Whether it has been silent for too long, so that whatever can be done for it should be done now.

        True when the fault begins, and every hour from then on.
        """
        now = self._clock.now()
        if not self._quiet_s or self._paused_at is not None or now - self._since < self._quiet_s:
            return False
        if self._acted_at is not None and now - self._acted_at < AGAIN_S:
            return False
        if self._acted_at is None:
            log.warning("reader %s: nothing came for %.1f h", self._id, (now - self._since) / _HOUR_S)
        self._acted_at = now
        self._quiet.show(on=True)
        return True

    def pause(self) -> None:
        """Stop counting silence: the port or the controller is gone, which has a fault of its own."""
        if self._paused_at is None:
            self._paused_at = self._clock.now()

    def resume(self) -> None:
        """Count silence again."""
        if self._paused_at is not None:
            self._since += self._clock.now() - self._paused_at
            self._paused_at = None
