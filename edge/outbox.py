"""The journal as the sync process sees it: events to send, receipts to note, a roster to bring back."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from cloud_sync.envelope import MAX_RECEIPT_EPOCHS, Lost
from edge.journal_tables import (
    JOURNAL_FILE,
    MAX_SEQUENCE,
    SEQUENCE_BITS,
    first_id,
    open_journal,
    scalar,
    written_at_once,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from cloud_sync.envelope import EpochReceipt
    from edge.faults import FaultCode
    from edge.roster import RosterEntry

log = logging.getLogger(__name__)

KEPT_S = 30 * 86_400.0
"""Receipted events stay so long, so that a ledger restored from a backup can have them again. Counted in
the sync process's own running time: no clock that is wrong lets one go early or keeps one for ever."""
SURELY_NAMED_S = 25 * 86_400.0
"""A receipt names an epoch for 30 days after its last event. One whose events were receipted so lately
and that is not named is one that the ledger lost; the five days between are for receipts that came late."""
ORDER_S = 3600.0
"""A receipt that has no room for all epochs names the latest; an epoch receipted so much later than one
that is named, and not named itself, is lost."""
STEP = 500
"""Rows that one transaction marks or forgets at most: the station's writes wait behind it."""
DAMAGED = "damaged"
"""Why a row whose bytes have changed on the disk is set aside here; the ledger never sees it."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One event as it waits. `id` is the order of sending over all epochs; `epoch` is a number of ours."""

    id: int
    event: bytes

    @property
    def epoch(self) -> int:
        """The number that this journal gave to the event's epoch."""
        return epoch_of(self.id)


@dataclass(frozen=True, slots=True)
class Noted:
    """What a receipt changed: rows freed, rows that wait again, newly refused (epoch, sequence, reason)."""

    freed: int
    taken_back: int
    refused: tuple[tuple[str, int, str], ...]


NOTHING = Noted(0, 0, ())


@dataclass(frozen=True, slots=True)
class _Known:
    """An epoch as this journal knows it: the highest sequence receipted, and when that was."""

    number: int
    epoch: str
    through: int
    heard_s: float | None


class Outbox:
    """Reads and marks the outbox. sqlite3.Error when the disk refuses; what was done by then stays done.

    Marks are not forced onto the disk: a power cut may take some back, and then receipts bring them again.
    """

    def __init__(self, folder: Path) -> None:
        """Use the journal in `folder`, opened when it is first needed."""
        self._folder = folder
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
            self._connection = open_journal(self._folder, durable=False)
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
        named = {epoch.epoch: epoch for epoch in epochs}
        known = {row.epoch: row for row in self._epochs()}
        freed = taken_back = 0
        refused: list[tuple[str, int, str]] = []
        for name in named.keys() & known.keys():
            receipt, row = named[name], known[name]
            freed += self._free(row, receipt.through)
            taken_back += self._take_back(row, receipt.through) if take_back else 0
            refused += self._refuse(row, receipt)
        for row in _unheard_of(known, named, self.age()) if take_back else ():
            taken_back += self._take_back(row, 0)
        return Noted(freed, taken_back, tuple(refused))

    def would_take_back(self, epochs: Iterable[EpochReceipt]) -> bool:
        """Whether this receipt holds less than an earlier one did."""
        named = {epoch.epoch: epoch for epoch in epochs}
        known = {row.epoch: row for row in self._epochs()}
        lower = any(named[name].through < known[name].through for name in named.keys() & known.keys())
        return lower or bool(_unheard_of(known, named, self.age()))

    def _epochs(self) -> list[_Known]:
        query = "SELECT number, epoch, through, heard_s FROM epochs"
        return [_Known(*row) for row in self._database.execute(query).fetchall()]

    def _free(self, row: _Known, through: int) -> int:
        """Mark rows up to `through`, a step at a time, and then that all of them are marked."""
        through = min(through, MAX_SEQUENCE)
        if through <= row.through:
            return 0
        base, age, freed, step = first_id(row.number), self.age(), 0, STEP
        while step == STEP:
            with written_at_once(self._database):
                step = self._database.execute(
                    "UPDATE records SET receipted_s = ? WHERE id IN (SELECT id FROM records"
                    " WHERE receipted_s IS NULL AND id > ? AND id <= ? ORDER BY id LIMIT ?)",
                    (age, base, base + through, STEP),
                ).rowcount
                freed += step
                if step < STEP:
                    self._set_through(row, through, age)
        return freed

    def _take_back(self, row: _Known, through: int) -> int:
        """Have rows behind `through` wait again; first of all note that they are no longer receipted."""
        if through >= row.through:
            return 0
        base = first_id(row.number)
        with written_at_once(self._database):
            taken = self._database.execute(
                "UPDATE records SET receipted_s = NULL, refused = NULL"
                " WHERE id > ? AND id <= ? AND receipted_s IS NOT NULL AND refused IS NOT ?",
                (base + through, base + row.through, DAMAGED),
            ).rowcount
            self._set_through(row, through, row.heard_s)
        return taken

    def _set_through(self, row: _Known, through: int, heard_s: float | None) -> None:
        self._database.execute(
            "UPDATE epochs SET through = ?, heard_s = ? WHERE number = ?", (through, heard_s, row.number)
        )

    def _refuse(self, row: _Known, receipt: EpochReceipt) -> list[tuple[str, int, str]]:
        if not receipt.refused:
            return []
        base, last = first_id(row.number), first_id(row.number) + MAX_SEQUENCE
        query = "SELECT id FROM records WHERE refused IS NOT NULL AND id > ? AND id <= ?"
        known = {key for (key,) in self._database.execute(query, (base, last)).fetchall()}
        new = [(sequence, reason) for sequence, reason in receipt.refused if base + sequence not in known]
        mark = "UPDATE records SET refused = ? WHERE id = ? AND refused IS NULL"
        told = []
        if new:
            with written_at_once(self._database):
                for sequence, reason in new:
                    if self._database.execute(mark, (reason, base + sequence)).rowcount:
                        told.append((row.epoch, sequence, reason))
        return told

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
        return float(self._database.execute("SELECT seconds FROM aged").fetchone()[0])

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
            claim = "INSERT INTO owner SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM owner)"
            self._database.execute(claim, (community, station))
            owner = self._database.execute("SELECT community, station FROM owner").fetchone()
        return owner[0], owner[1]

    def tell(self, fault: FaultCode, *, is_so: bool) -> None:
        """Have the station raise a fault that only the sync process sees, or clear it."""
        change = "INSERT OR IGNORE INTO told VALUES (?)" if is_so else "DELETE FROM told WHERE fault = ?"
        with written_at_once(self._database):
            self._database.execute(change, (fault.value,))

    def replace_roster(self, roster: Mapping[str, RosterEntry]) -> None:
        """Put a whole new roster in the place of the old."""
        rows = [(card, entry.state, entry.role) for card, entry in roster.items()]
        with written_at_once(self._database):
            self._database.execute("DELETE FROM roster")
            self._database.executemany("INSERT INTO roster VALUES (?, ?, ?)", rows)

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


def _unheard_of(known: Mapping[str, _Known], named: Mapping[str, EpochReceipt], age: float) -> list[_Known]:
    """Epochs that the ledger must have lost: receipted lately, and not named where they would be."""
    since = age - SURELY_NAMED_S
    if len(named) >= MAX_RECEIPT_EPOCHS:
        heard = [known[name].heard_s for name in named if name in known]
        since = max(since, min((at for at in heard if at is not None), default=age) + ORDER_S)
    return [
        row
        for name, row in known.items()
        if name not in named and row.through > 0 and row.heard_s is not None and row.heard_s > since
    ]
