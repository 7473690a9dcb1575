"""What receipts do to the rows of the journal: free them, refuse them, or have them wait again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cloud_sync.wire.envelope import MAX_RECEIPT_EPOCHS, EpochReceipt
from edge.journal.schema import MAX_SEQUENCE, first_id, written_at_once

SURELY_NAMED_S = 25 * 86_400.0
"""A receipt names an epoch for 30 days after its last event. One whose events were receipted so lately
and that is not named is one that the ledger lost; the five days between are for receipts that came late."""
NO_NUMBER = 2**31
"""More than any epoch's."""
STEP = 500
"""Rows that one transaction marks or forgets at most: the station's writes wait behind it."""
DAMAGED = "damaged"
"""Why a row whose bytes have changed on the disk is set aside here; the ledger never sees it."""


NAMED_AT_MOST = 400
"""A receipt that names fewer events as set aside names all of them (`stations/receipts.py` of the ledger)."""


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


def note_receipts(
    connection: sqlite3.Connection, epochs: Iterable[EpochReceipt], *, take_back: bool = True
) -> Noted:
    """Mark what the ledger holds; with `take_back`, what it no longer holds waits again.

    The same receipt a second time changes nothing. What an earlier receipt named as set aside and this one
    does not has been applied meanwhile, if this one names all.
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
    for row in _unheard_of(connection, known, named) if take_back else ():
        taken_back += _take_back(connection, row, 0)
    return Noted(freed, taken_back, tuple(refused))


def would_take_back(connection: sqlite3.Connection, epochs: Iterable[EpochReceipt]) -> bool:
    """Whether this receipt holds less than an earlier one did."""
    named = {epoch.epoch: epoch for epoch in epochs}
    known = {row.epoch: row for row in _epochs(connection)}
    lower = any(named[name].through < known[name].through for name in named.keys() & known.keys())
    return lower or bool(_unheard_of(connection, known, named))


def _epochs(connection: sqlite3.Connection) -> list[_Known]:
    query = "SELECT number, epoch, through, heard_s FROM epochs"
    return [_Known(*row) for row in connection.execute(query).fetchall()]


def _free(connection: sqlite3.Connection, row: _Known, through: int) -> int:
    """Mark rows up to `through`, a step at a time, and then that all of them are marked."""
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
    """Whether a row waits that was receipted before: taken back by a process that did not live to the end."""
    base = first_id(row.number)
    query = "SELECT 1 FROM records WHERE receipted_s IS NULL AND id > ? AND id <= ? LIMIT 1"
    return connection.execute(query, (base, base + row.through)).fetchone() is not None


def _take_back(connection: sqlite3.Connection, row: _Known, through: int) -> int:
    """Have rows behind `through` wait again, a step at a time, and then note that all of them do."""
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
    """Forget that rows were set aside which the ledger has, and names as set aside no more."""
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
    told = []
    if new:
        with written_at_once(connection):
            for sequence, reason in new:
                if connection.execute(mark, (reason, base + sequence)).rowcount:
                    told.append((row.epoch, sequence, reason))
    return told


def age_of(connection: sqlite3.Connection) -> float:
    """Seconds that sync processes have run over this journal in all, as far as they were noted."""
    return float(connection.execute("SELECT seconds FROM aged").fetchone()[0])


def _unheard_of(
    connection: sqlite3.Connection, known: Mapping[str, _Known], named: Mapping[str, EpochReceipt]
) -> list[_Known]:
    """Epochs that the ledger must have lost: receipted lately, and not named where they would be."""
    since = age_of(connection) - SURELY_NAMED_S
    behind = _first_that_rests(connection, known, named) if len(named) >= MAX_RECEIPT_EPOCHS else 0
    return [
        row
        for name, row in known.items()
        if name not in named
        and row.through > 0
        and row.heard_s is not None
        and row.heard_s > since
        and row.number > behind
    ]


def _first_that_rests(
    connection: sqlite3.Connection, known: Mapping[str, _Known], named: Mapping[str, EpochReceipt]
) -> int:
    """The lowest number of an epoch that a full receipt names and of which nothing is to be sent.

    A receipt that has no room for all epochs names those that were sent last, and they are sent in the
    order of their numbers: the ledger would name a later one before this. If it has it after all, sending
    it again moves it behind this one, so that this ends: the number found here only grows.
    """
    # Not by time: a station that restarts every half minute for an hour fills more than one receipt.
    numbers = sorted(known[name].number for name in named if name in known)
    query = "SELECT 1 FROM records WHERE receipted_s IS NULL AND id > ? AND id <= ? LIMIT 1"
    for number in numbers:
        base = first_id(number)
        if connection.execute(query, (base, base + MAX_SEQUENCE)).fetchone() is None:
            return number
    return NO_NUMBER
