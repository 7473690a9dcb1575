"""The journal as the sync process uses it: events to send, receipts to note, a roster to store."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from cloud_sync.wire.envelope import EpochReceipt, Lost
from edge.faults import FaultCode
from edge.journal.filming import forget_filming, put_filming
from edge.journal.lean_database import Database
from edge.journal.schema import (
    BUSY_S,
    JOURNAL_FILE,
    MAX_SEQUENCE,
    SEQUENCE_BITS,
    SUSPECT,
    claim,
    first_id,
    open_journal,
    scalar,
    written_at_once,
)
from edge.roster import RosterEntry
from edge.sync import receipting
from edge.sync.receipting import DAMAGED, STEP, Noted, age_of

log = logging.getLogger(__name__)

KEPT_S = 30 * 86_400.0
"""How long receipted events are kept, so that a ledger restored from a backup can get them again. Counted
in the sync process's running time, so that a wrong clock neither deletes one early nor keeps one forever."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One waiting event. `id` is the order of sending over all epochs."""

    id: int
    event: bytes

    @property
    def epoch(self) -> int:
        """The number of the event's epoch in this journal."""
        return epoch_of(self.id)


class Outbox:
    """Reads and marks the outbox. sqlite3.Error when the disk refuses; earlier steps stay done.

    Marks are not synced to the disk: if a power cut undoes some, later receipts set them again.
    """

    def __init__(self, folder: Path, *, busy_s: float = BUSY_S) -> None:
        """Use the journal in `folder`, opened at first use; wait at most `busy_s` for a lock on it."""
        self._folder, self._busy_s = folder, busy_s
        self._connection: sqlite3.Connection | None = None
        self._file: int | None = None

    def follow(self) -> bool:
        """Return whether the open journal is still the file on disk; if it was replaced, close it."""
        if self._connection is not None and self._inode() != self._file:
            self.close()
            log.warning("the journal's file was replaced; going on with the new one")
        return self._connection is not None

    @property
    def _database(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = open_journal(self._folder, durable=False, busy_s=self._busy_s)
            self._file = self._inode()
        return self._connection

    def waiting(self, after: int, limit: int) -> list[OutboxRow]:
        """Return the first events after row `after` that have no receipt, at most `limit`, by epoch."""
        query = "SELECT id, event, crc FROM records WHERE receipted_s IS NULL AND id > ? ORDER BY id LIMIT ?"
        rows = self._database.execute(query, (after, limit)).fetchall()
        damaged = [key for key, event, crc in rows if crc32(event) != crc]
        if damaged:
            self._leave_out(damaged)
        return [OutboxRow(key, event) for key, event, _ in rows if key not in damaged]

    def depth(self) -> int:
        """Count the events that wait for a receipt."""
        return scalar(self._database, "SELECT count(*) FROM records WHERE receipted_s IS NULL")

    def oldest(self) -> int | None:
        """Return the first row without a receipt, None if there is none."""
        query = "SELECT min(id) FROM records WHERE receipted_s IS NULL"
        found = self._database.execute(query).fetchone()[0]
        return None if found is None else int(found)

    def lost(self, numbers: Iterable[int]) -> dict[int, Lost]:
        """Return, by epoch, the sequences that the ledger waits for and this journal no longer has.

        Without being told, the ledger would wait forever. Sequences are lost when a journal was damaged, or
        when the ledger was restored from a backup older than the events kept here.
        """
        return {number: lost for number in numbers if (lost := self._lost(number)) is not None}

    def _lost(self, number: int) -> Lost | None:
        epoch, through = self._database.execute(
            "SELECT epoch, through FROM epochs WHERE number = ?", (number,)
        ).fetchone()
        query = "SELECT min(id) FROM records WHERE id > ? AND id <= ? AND refused IS NOT ?"
        base = first_id(number)
        found = self._database.execute(query, (base + through, base + MAX_SEQUENCE, DAMAGED)).fetchone()[0]
        if found is None or found == base + through + 1:
            return None
        return Lost(epoch, through + 1, found - base - 1)

    def note_receipts(self, epochs: Iterable[EpochReceipt], *, take_back: bool = True) -> Noted:
        """Mark the events that the ledger has; with `take_back`, queue again those that it no longer has.

        Idempotent: the same receipt a second time changes nothing.
        """
        return receipting.note_receipts(self._database, epochs, take_back=take_back)

    def would_take_back(self, epochs: Iterable[EpochReceipt]) -> bool:
        """Return whether this receipt covers less than an earlier one did."""
        return receipting.would_take_back(self._database, epochs)

    def _leave_out(self, damaged: Sequence[int]) -> None:
        age = self.age()
        with written_at_once(self._database):
            self._database.executemany(
                "UPDATE records SET refused = ?, receipted_s = ? WHERE id = ?",
                [(DAMAGED, age, key) for key in damaged],
            )
        log.error("%d events have changed on the disk and are not sent", len(damaged))

    def age(self) -> float:
        """Return the noted running time of the sync process, in seconds over all runs."""
        return age_of(self._database)

    def grow_older(self, seconds: float) -> None:
        """Add to the noted running time of the sync process."""
        with written_at_once(self._database):
            self._database.execute("UPDATE aged SET seconds = seconds + ?", (seconds,))

    def prune(self) -> int:
        """Delete up to STEP events receipted more than KEPT_S ago, never a refused one; return how many."""
        limit = self.age() - KEPT_S
        with written_at_once(self._database):
            forgotten = self._database.execute(
                "DELETE FROM records WHERE id IN (SELECT id FROM records"
                " WHERE receipted_s < ? AND refused IS NULL LIMIT ?)",
                (limit, STEP),
            ).rowcount
            if forgotten < STEP:
                # The newest number stays: otherwise the next epoch would reuse it.
                self._database.execute(
                    "DELETE FROM epochs WHERE heard_s < ? AND number < (SELECT max(number) FROM epochs)"
                    " AND NOT EXISTS"
                    " (SELECT 1 FROM records WHERE id > number << ? AND id <= number << ? | ?)",
                    (limit, SEQUENCE_BITS, SEQUENCE_BITS, MAX_SEQUENCE),
                )
        return forgotten

    def claim(self, community: str, station: str) -> tuple[str, str]:
        """Claim the journal for this station unless another one has; return its owner."""
        with written_at_once(self._database):
            return claim(self._database, community, station)

    def tell(self, fault: FaultCode, *, is_so: bool) -> None:
        """Have the station raise or clear a fault that only the sync process can see."""
        change = "INSERT OR IGNORE INTO told VALUES (?)" if is_so else "DELETE FROM told WHERE fault = ?"
        with written_at_once(self._database):
            self._database.execute(change, (fault.value,))

    def replace_roster(self, roster: Mapping[str, RosterEntry]) -> None:
        """Replace the whole roster."""
        rows = [{"card": card, "state": entry.state, "role": entry.role} for card, entry in roster.items()]
        table = Database(self._database).table("roster")
        with written_at_once(self._database):
            table.delete_where()
            table.insert_all(rows)
            forget_filming(self._database)
            put_filming(self._database, {card: entry.filming for card, entry in roster.items()})

    def suspect(self) -> None:
        """Ask the station to check its journal and repair any damage. OSError if it cannot be asked."""
        (self._folder / SUSPECT).touch()

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _inode(self) -> int | None:
        try:
            return (self._folder / JOURNAL_FILE).stat().st_ino
        except FileNotFoundError:
            return None


def epoch_of(row: int) -> int:
    """Return the number of a row's epoch."""
    return row >> SEQUENCE_BITS
