"""The journal as the sync process sees it: events to send, receipts to note, a roster to bring back."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from sqlite_utils import Database

from cloud_sync.wire.envelope import EpochReceipt, Lost
from edge.faults import FaultCode
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
"""Receipted events stay so long, so that a ledger restored from a backup can have them again. Counted in
the sync process's own running time: no clock that is wrong lets one go early or keeps one for ever."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One event as it waits. `id` is the order of sending over all epochs; `epoch` is a number of ours."""

    id: int
    event: bytes

    @property
    def epoch(self) -> int:
        """The number that this journal gave to the event's epoch."""
        return epoch_of(self.id)


class Outbox:
    """Reads and marks the outbox. sqlite3.Error when the disk refuses; what was done by then stays done.

    Marks are not forced onto the disk: a power cut may take some back, and then receipts bring them again.
    """

    def __init__(self, folder: Path, *, busy_s: float = BUSY_S) -> None:
        """Use the journal in `folder`, opened when it is first needed; wait `busy_s` for a lock on it."""
        self._folder, self._busy_s = folder, busy_s
        self._connection: sqlite3.Connection | None = None
        self._file: int | None = None

    def follow(self) -> bool:
        """Whether the journal is the one that was opened before; one that took its place is opened next."""
        if self._connection is not None and self._inode() != self._file:
            self.close()
            log.warning("another journal has taken the old one's place; going on with it")
        return self._connection is not None

    @property
    def _database(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = open_journal(self._folder, durable=False, busy_s=self._busy_s)
            self._file = self._inode()
        return self._connection

    def waiting(self, after: int, limit: int) -> list[OutboxRow]:
        """The first events without a receipt behind row `after`, at most `limit`, epoch after epoch."""
        query = "SELECT id, event, crc FROM records WHERE receipted_s IS NULL AND id > ? ORDER BY id LIMIT ?"
        rows = self._database.execute(query, (after, limit)).fetchall()
        damaged = [key for key, event, crc in rows if crc32(event) != crc]
        if damaged:
            self._leave_out(damaged)
        return [OutboxRow(key, event) for key, event, _ in rows if key not in damaged]

    def depth(self) -> int:
        """How many events wait for their receipt."""
        return scalar(self._database, "SELECT count(*) FROM records WHERE receipted_s IS NULL")

    def oldest(self) -> int | None:
        """The first row without a receipt."""
        query = "SELECT min(id) FROM records WHERE receipted_s IS NULL"
        found = self._database.execute(query).fetchone()[0]
        return None if found is None else int(found)

    def lost(self, numbers: Iterable[int]) -> dict[int, Lost]:
        """For each of these epochs: the sequences next to be receipted that are no longer here, if any.

        The ledger would wait for them for ever. There are some after a journal was damaged, and when a
        ledger comes back from a backup older than what is kept here.
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
        """Mark what the ledger holds; with `take_back`, what it no longer holds waits again.

        The same receipt a second time changes nothing.
        """
        return receipting.note_receipts(self._database, epochs, take_back=take_back)

    def would_take_back(self, epochs: Iterable[EpochReceipt]) -> bool:
        """Whether this receipt holds less than an earlier one did."""
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
        """Seconds that the sync process has run in all, as far as they were noted."""
        return age_of(self._database)

    def grow_older(self, seconds: float) -> None:
        """Note that the sync process ran so much longer."""
        with written_at_once(self._database):
            self._database.execute("UPDATE aged SET seconds = seconds + ?", (seconds,))

    def prune(self) -> int:
        """Forget some events receipted more than KEPT_S ago, never a refused one; how many, at most STEP."""
        limit = self.age() - KEPT_S
        with written_at_once(self._database):
            forgotten = self._database.execute(
                "DELETE FROM records WHERE id IN (SELECT id FROM records"
                " WHERE receipted_s < ? AND refused IS NULL LIMIT ?)",
                (limit, STEP),
            ).rowcount
            if forgotten < STEP:
                # The newest number stays, or the next epoch would be given it again.
                self._database.execute(
                    "DELETE FROM epochs WHERE heard_s < ? AND number < (SELECT max(number) FROM epochs)"
                    " AND NOT EXISTS"
                    " (SELECT 1 FROM records WHERE id > number << ? AND id <= number << ? | ?)",
                    (limit, SEQUENCE_BITS, SEQUENCE_BITS, MAX_SEQUENCE),
                )
        return forgotten

    def claim(self, community: str, station: str) -> tuple[str, str]:
        """Whose events these are: this station's from now on, unless they were another's before."""
        with written_at_once(self._database):
            return claim(self._database, community, station)

    def tell(self, fault: FaultCode, *, is_so: bool) -> None:
        """Have the station raise a fault that only the sync process sees, or clear it."""
        change = "INSERT OR IGNORE INTO told VALUES (?)" if is_so else "DELETE FROM told WHERE fault = ?"
        with written_at_once(self._database):
            self._database.execute(change, (fault.value,))

    def replace_roster(self, roster: Mapping[str, RosterEntry]) -> None:
        """Put a whole new roster in the place of the old."""
        rows = [{"card": card, "state": entry.state, "role": entry.role} for card, entry in roster.items()]
        table = Database(self._database).table("roster")
        with written_at_once(self._database):
            table.delete_where()
            table.insert_all(rows)

    def suspect(self) -> None:
        """Ask the station to look at its journal, and mend it if it is damaged. OSError when it cannot be."""
        (self._folder / SUSPECT).touch()

    def close(self) -> None:
        """Let go of the file; whatever is asked next opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _inode(self) -> int | None:
        try:
            return (self._folder / JOURNAL_FILE).stat().st_ino
        except FileNotFoundError:
            return None


def epoch_of(row: int) -> int:
    """The number of the epoch that a row belongs to."""
    return row >> SEQUENCE_BITS
