"""Apply receipts to the rows of the journal: free rows, mark them refused, or queue them again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cloud_sync.wire.envelope import MAX_RECEIPT_EPOCHS, EpochReceipt
from edge.journal.schema import MAX_SEQUENCE, first_id, written_at_once

SURELY_NAMED_S = 25 * 86_400.0
"""An epoch that was receipted within this time and is missing from a receipt was lost by the ledger.

The ledger names an epoch for 30 days after its last event; the five days between allow for late receipts."""
NO_NUMBER = 2**31
"""Higher than any epoch's number."""
STEP = 500
"""Most rows that one transaction marks or deletes: the station's writes wait for it."""
DAMAGED = "damaged"
"""Why a row whose bytes changed on the disk is set aside here; the ledger never sees it."""


NAMED_AT_MOST = 400
"""A receipt that names fewer set-aside events than this names all of them (ledger: `intake/receipts.py`)."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What a receipt changed: rows freed, rows queued again, newly refused (epoch, sequence, reason)."""

    freed: int
    taken_back: int
    refused: tuple[tuple[str, int, str], ...]


NOTHING = Noted(0, 0, ())


@dataclass(frozen=True, slots=True)
class _Known:
    """An epoch in this journal: its highest receipted sequence, and when that was noted."""

    number: int
    epoch: str
    through: int
    heard_s: float | None


def note_receipts(
    connection: sqlite3.Connection, epochs: Iterable[EpochReceipt], *, take_back: bool = True
) -> Noted:
    """Mark the events that the ledger has; with `take_back`, queue again those that it no longer has.

    Idempotent. An event that was set aside and that a complete receipt no longer names has been applied
    since.
    """
    named = {epoch.epoch: epoch for epoch in epochs}
    known = {row.epoch: row for row in _epochs(connection)}
    names_all = sum(len(receipt.refused) for receipt in named.values()) < NAMED_AT_MOST
    freed = taken_back = 0
    refused: list[tuple[str, int, str]] = []
    for name in named.keys() & known.keys():
        receipt, row = named[name], known[name]
        freed += _free(connection, row, receipt.through)
        taken_back += _take_back(connection, row, receipt.through) if take_back else 0
        refused += _refuse(connection, row, receipt)
        if names_all:
            _let_in(connection, row, receipt)
    for row in _lost_epochs(connection, known, named) if take_back else ():
        taken_back += _take_back(connection, row, 0)
    return Noted(freed, taken_back, tuple(refused))


def would_take_back(connection: sqlite3.Connection, epochs: Iterable[EpochReceipt]) -> bool:
    """Return whether this receipt covers less than an earlier one did."""
    named = {epoch.epoch: epoch for epoch in epochs}
    known = {row.epoch: row for row in _epochs(connection)}
    lower = any(named[name].through < known[name].through for name in named.keys() & known.keys())
    return lower or bool(_lost_epochs(connection, known, named))


def _epochs(connection: sqlite3.Connection) -> list[_Known]:
    query = "SELECT number, epoch, through, heard_s FROM epochs"
    return [_Known(*row) for row in connection.execute(query).fetchall()]


def _free(connection: sqlite3.Connection, row: _Known, through: int) -> int:
    """Mark rows up to `through` in steps; the last step also moves the epoch's `through`."""
    through = min(through, MAX_SEQUENCE)
    if through < row.through or (through == row.through and not _any_waits(connection, row)):
        return 0
    base, age, freed, step = first_id(row.number), age_of(connection), 0, STEP
    while step == STEP:
        with written_at_once(connection):
            step = connection.execute(
                "UPDATE records SET receipted_s = ? WHERE id IN (SELECT id FROM records"
                " WHERE receipted_s IS NULL AND id > ? AND id <= ? ORDER BY id LIMIT ?)",
                (age, base, base + through, STEP),
            ).rowcount
            freed += step
            if step < STEP:
                _set_through(connection, row, through, age)
    return freed


def _any_waits(connection: sqlite3.Connection, row: _Known) -> bool:
    """Return whether a row at or below `through` waits: a process died while it queued rows again."""
    base = first_id(row.number)
    query = "SELECT 1 FROM records WHERE receipted_s IS NULL AND id > ? AND id <= ? LIMIT 1"
    return connection.execute(query, (base, base + row.through)).fetchone() is not None


def _take_back(connection: sqlite3.Connection, row: _Known, through: int) -> int:
    """Queue rows after `through` again in steps; the last step also moves the epoch's `through` back."""
    if through >= row.through:
        return 0
    base, taken, step = first_id(row.number), 0, STEP
    while step == STEP:
        with written_at_once(connection):
            step = connection.execute(
                "UPDATE records SET receipted_s = NULL, refused = NULL WHERE id IN (SELECT id FROM records"
                " WHERE id > ? AND id <= ? AND receipted_s IS NOT NULL AND refused IS NOT ? LIMIT ?)",
                (base + through, base + row.through, DAMAGED, STEP),
            ).rowcount
            taken += step
            if step < STEP:
                _set_through(connection, row, through, row.heard_s)
    return taken


def _set_through(connection: sqlite3.Connection, row: _Known, through: int, heard_s: float | None) -> None:
    connection.execute(
        "UPDATE epochs SET through = ?, heard_s = ? WHERE number = ?", (through, heard_s, row.number)
    )


def _let_in(connection: sqlite3.Connection, row: _Known, receipt: EpochReceipt) -> None:
    """Clear the refusal of rows that the ledger has and no longer names as set aside."""
    base = first_id(row.number)
    query = "SELECT id FROM records WHERE refused IS NOT NULL AND refused IS NOT ? AND id > ? AND id <= ?"
    through = base + min(receipt.through, MAX_SEQUENCE)
    marked = [key for (key,) in connection.execute(query, (DAMAGED, base, through)).fetchall()]
    aside = {base + sequence for sequence, _ in receipt.refused}
    applied = [(key,) for key in marked if key not in aside]
    if applied:
        with written_at_once(connection):
            connection.executemany("UPDATE records SET refused = NULL WHERE id = ?", applied)


def _refuse(connection: sqlite3.Connection, row: _Known, receipt: EpochReceipt) -> list[tuple[str, int, str]]:
    if not receipt.refused:
        return []
    base, last = first_id(row.number), first_id(row.number) + MAX_SEQUENCE
    query = "SELECT id FROM records WHERE refused IS NOT NULL AND id > ? AND id <= ?"
    known = {key for (key,) in connection.execute(query, (base, last)).fetchall()}
    new = [(sequence, reason) for sequence, reason in receipt.refused if base + sequence not in known]
    mark = "UPDATE records SET refused = ? WHERE id = ? AND refused IS NULL"
    refused = []
    if new:
        with written_at_once(connection):
            for sequence, reason in new:
                if connection.execute(mark, (reason, base + sequence)).rowcount:
                    refused.append((row.epoch, sequence, reason))
    return refused


def age_of(connection: sqlite3.Connection) -> float:
    """Return the noted running time of all sync processes on this journal, in seconds."""
    return float(connection.execute("SELECT seconds FROM aged").fetchone()[0])


def _lost_epochs(
    connection: sqlite3.Connection, known: Mapping[str, _Known], named: Mapping[str, EpochReceipt]
) -> list[_Known]:
    """Return the epochs that the ledger must have lost: receipted lately, and missing from the receipt."""
    since = age_of(connection) - SURELY_NAMED_S
    behind = _first_idle(connection, known, named) if len(named) >= MAX_RECEIPT_EPOCHS else 0
    return [
        row
        for name, row in known.items()
        if name not in named
        and row.through > 0
        and row.heard_s is not None
        and row.heard_s > since
        and row.number > behind
    ]


def _first_idle(
    connection: sqlite3.Connection, known: Mapping[str, _Known], named: Mapping[str, EpochReceipt]
) -> int:
    """Return the lowest number among a full receipt's epochs that have nothing left to send.

    A full receipt names the epochs that were sent last, and epochs are sent by number. So if the ledger had a
    later epoch than this one, the receipt would name it. If the ledger has it after all, sending it again
    makes it one of the last, so the number returned here only grows and the search ends.
    """
    # By number, not by time: a station that restarts every half minute for an hour fills several receipts.
    numbers = sorted(known[name].number for name in named if name in known)
    query = "SELECT 1 FROM records WHERE receipted_s IS NULL AND id > ? AND id <= ? LIMIT 1"
    for number in numbers:
        base = first_id(number)
        if connection.execute(query, (base, base + MAX_SEQUENCE)).fetchone() is None:
            return number
    return NO_NUMBER
