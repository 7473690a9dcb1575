"""What the sync process does for the journal beside delivering: count its age, forget what is old."""

from __future__ import annotations

import logging
from math import inf

from edge.sync.outbox import Outbox
from edge.sync.receipting import STEP

log = logging.getLogger(__name__)

PRUNE_S = 3600.0
AGE_S = 600.0
"""How often the process notes how long it has run; a restart forgets at most this, so rows stay longer."""


class Housekeeping:
    """Little of it at a time: the station's writes come first."""

    def __init__(self, outbox: Outbox, now: float) -> None:
        """Begin to count at `now`, monotonic seconds."""
        self._outbox = outbox
        self._aged_at = now
        self._pruned_at = -inf

    def do(self, now: float) -> None:
        """Do what is due; sqlite3.Error when the disk refuses, and then it is due still."""
        if now - self._aged_at >= AGE_S:
            self._outbox.grow_older(now - self._aged_at)
            self._aged_at = now
        if now - self._pruned_at >= PRUNE_S:
            forgotten = self._outbox.prune()
            if forgotten < STEP:
                self._pruned_at = now
            if forgotten:
                log.info("forgot %d events receipted more than 30 days ago", forgotten)
