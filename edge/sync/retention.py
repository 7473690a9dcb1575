"""How the sync process ages the journal: it counts its running time and deletes old events."""

from __future__ import annotations

import logging
from math import inf

from edge.sync.outbox import Outbox
from edge.sync.receipting import STEP

log = logging.getLogger(__name__)

PRUNE_S = 3600.0
AGE_S = 600.0
"""How often the running time is noted; a restart loses at most this much, so rows only stay longer."""


class Retention:
    """Periodic work on the journal, in small steps: the station's writes come first."""

    def __init__(self, outbox: Outbox, now: float) -> None:
        """Count from `now`, in monotonic seconds."""
        self._outbox = outbox
        self._aged_at = now
        self._pruned_at = -inf

    def do(self, now: float) -> None:
        """Do what is due; after an sqlite3.Error it is still due."""
        if now - self._aged_at >= AGE_S:
            self._outbox.grow_older(now - self._aged_at)
            self._aged_at = now
        if now - self._pruned_at >= PRUNE_S:
            forgotten = self._outbox.prune()
            if forgotten < STEP:
                self._pruned_at = now
            if forgotten:
                log.info("deleted %d events receipted more than 30 days ago", forgotten)
