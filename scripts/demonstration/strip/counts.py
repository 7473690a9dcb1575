"""Compares the station's journal with the ledger's applied events while both go on."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edge.journal.schema import JOURNAL_FILE


@dataclass(frozen=True, slots=True)
class Counts:
    """One comparison over the events of this run."""

    kept: int
    """Events in the journal."""
    waiting: int
    """Of these, on their way: without a receipt."""
    arrived: int
    """Of these, applied by the ledger."""
    lost: int
    """Receipted, and not in the ledger; or missing from the journal's own numbers."""
    twice: int
    """More than once in the ledger, as an event or as a transfer."""
    at: float
    """When it was counted, in monotonic seconds."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """The ledger's part: how often it has each sequence of the run, and how many transfers twice."""

    times: dict[int, int]
    doubled: int


def compare(kept: dict[int, bool], ledger: Arrived, at: float) -> Counts:
    """Compare. `kept` has, for each sequence in the journal, whether it has its receipt."""
    receipted = {sequence for sequence, done in kept.items() if done}
    gaps = max(kept, default=0) - len(kept)
    return Counts(
        kept=len(kept),
        waiting=len(kept) - len(receipted),
        arrived=sum(sequence in ledger.times for sequence in kept),
        lost=gaps + sum(sequence not in ledger.times for sequence in receipted),
        twice=sum(times > 1 for times in ledger.times.values()) + ledger.doubled,
        at=at,
    )


def read_kept(state_dir: Path, epoch: str) -> dict[int, bool]:
    """Read, for each of the epoch's sequences in the journal, whether it has its receipt."""
    file = f"file:{state_dir / JOURNAL_FILE}?mode=ro"
    with closing(sqlite3.connect(file, uri=True, timeout=2.0)) as database:
        query = "SELECT sequence, receipted_s IS NOT NULL FROM outbox WHERE epoch = ?"
        rows = database.execute(query, (epoch,)).fetchall()
    return {sequence: bool(done) for sequence, done in rows}


class Comparison:
    """The latest counts. `read_arrived` asks the ledger's database, `kept` the journal."""

    def __init__(self, kept: Callable[[], dict[int, bool]], read_arrived: Callable[[], Arrived]) -> None:
        self._kept, self._arrived = kept, read_arrived
        self.latest: Counts | None = None
        """None until both have been read once."""

    def refresh(self) -> None:
        """Count again. The journal is read first: events receipted by then must be in the ledger.

        Exceptions of either database pass through; then `latest` is unchanged.
        """
        kept = self._kept()
        self.latest = compare(kept, self._arrived(), time.monotonic())
