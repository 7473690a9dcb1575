"""Repairs a damaged journal: keeps it whole in a folder, and begins a fresh one with the readable rows.

The power may fail at any moment. Until the fresh journal is complete the damaged one stays in place; after
that the next opening finishes the exchange.
"""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from config.process.atomic import sync_folder
from config.reading.private import make_private_folder
from edge.journal.salvage import JournalRow, Salvaged, find_damage, is_damage, salvage, salvage_log
from edge.journal.schema import (
    BUSY_S,
    JOURNAL_FILE,
    SUSPECT,
    alone,
    begin,
    build,
    claim,
    connect,
    first_id,
    number_of,
    written_at_once,
)

__all__ = ["Mended", "TakenOver", "is_damage", "open_mended", "take_over"]

log = logging.getLogger(__name__)

COMPLETE = f".{JOURNAL_FILE}.complete"
"""A complete fresh journal that still has to replace the damaged one."""
LOG_FILE = f"{JOURNAL_FILE}-wal"
KEPT_LOG = f".{JOURNAL_FILE}.log"
STEP = 500


@dataclass(frozen=True, slots=True)
class Mended:
    """What was wrong with a journal, where it is kept now, and what the fresh one got from it."""

    damage: str
    aside: Path
    events: int
    waiting: int
    """How many of those events have no receipt."""
    cards: int


@dataclass(frozen=True, slots=True)
class TakenOver:
    """The result of taking over records from another file."""

    new: int
    known: int
    contradicting: int
    """Records whose identity another event has here."""


def open_mended(
    folder: Path, now: datetime, busy_s: float = BUSY_S
) -> tuple[sqlite3.Connection, Mended | None]:
    """Open the station's journal; make or repair it first if needed. `now` names a damaged one's folder.

    sqlite3.Error or OSError when the disk refuses: then nothing has changed.
    """
    make_private_folder(folder)
    with alone(folder, busy_s):
        _exchange(folder)
        _tidy(folder)
        file = folder / JOURNAL_FILE
        if not file.exists():
            begin(file)
        has_log = _keep_log(folder)
        damage = find_damage(file, busy_s)
        mended = _mend(folder, damage, now) if damage is not None else None
        connection = connect(file, busy_s=busy_s)
        if has_log and mended is None:
            try:
                _take_from_log(connection, folder / KEPT_LOG)
            except BaseException:
                connection.close()
                raise
        (folder / KEPT_LOG).unlink(missing_ok=True)
        (folder / SUSPECT).unlink(missing_ok=True)
        return connection, mended


def compare(connection: sqlite3.Connection, found: Salvaged) -> TakenOver:
    """Return what `take_over` would do, and write nothing."""
    numbers = dict(connection.execute("SELECT epoch, number FROM epochs").fetchall())
    counts = Counter(_held(connection, record, numbers) for record in found.records)
    return TakenOver(counts["new"], counts["known"], counts["contradicting"])


def _held(connection: sqlite3.Connection, record: JournalRow, numbers: Mapping[str, int]) -> str:
    name = record.named()
    if name.epoch not in numbers:
        return "new"
    key = first_id(numbers[name.epoch]) + name.sequence
    row = connection.execute("SELECT event FROM records WHERE id = ?", (key,)).fetchone()
    if row is None:
        return "new"
    return "known" if row[0] == record.event else "contradicting"


def take_over(
    connection: sqlite3.Connection, found: Salvaged, progress: Callable[[int], object] = lambda _: None
) -> TakenOver:
    """Add what another file gave to a journal: events under their own identity, and cards that it lacks.

    Works in steps, so that a station that writes here meanwhile never waits long; `progress` gets the number
    of records in each step.
    """
    counts, numbers = Counter[str](), dict[str, int]()
    for at in range(0, len(found.records), STEP):
        step = found.records[at : at + STEP]
        with written_at_once(connection):
            counts.update(_take(connection, record, numbers) for record in step)
        progress(len(step))
    with written_at_once(connection):
        connection.executemany(
            "INSERT OR IGNORE INTO roster VALUES (?, ?, ?)",
            [(card, entry.state, entry.role) for card, entry in found.roster.items()],
        )
        if found.owner is not None:
            claim(connection, *found.owner)
        connection.execute(
            "UPDATE aged SET seconds = max(seconds, coalesce((SELECT max(receipted_s) FROM records), 0))"
        )
    return TakenOver(counts["new"], counts["known"], counts["contradicting"])


def _take(connection: sqlite3.Connection, record: JournalRow, numbers: dict[str, int]) -> str:
    """Add one record to the journal; return which count of TakenOver it belongs to."""
    name = record.named()
    if name.epoch not in numbers:
        numbers[name.epoch] = number_of(connection, name.epoch)
    key = first_id(numbers[name.epoch]) + name.sequence
    taken = connection.execute(
        "INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", record._replace(id=key)
    )
    if taken.rowcount:
        return "new"
    (held,) = connection.execute("SELECT event FROM records WHERE id = ?", (key,)).fetchone()
    return "known" if held == record.event else "contradicting"


def _mend(folder: Path, damage: str, now: datetime) -> Mended:
    aside = _set_aside(folder, now)
    found = salvage(aside / JOURNAL_FILE)
    fresh = build(folder)
    with closing(connect(fresh, durable=False)) as connection:  # closing it syncs everything to the disk
        take_over(connection, found)
    fresh.rename(folder / COMPLETE)
    sync_folder(folder)
    _exchange(folder)
    waiting = sum(record.receipted_s is None for record in found.records)
    log.error(
        "the journal was damaged (%s) and is kept as %s; the fresh one has %d of its events, %d of them"
        " without a receipt, and %d cards",
        *(damage, aside, len(found.records), waiting, len(found.roster)),
    )
    return Mended(damage, aside, len(found.records), waiting, len(found.roster))


def _keep_log(folder: Path) -> bool:
    """Give the write-ahead log a second name: SQLite deletes a log in which it finds nothing valid."""
    (folder / KEPT_LOG).unlink(missing_ok=True)
    if not (folder / LOG_FILE).exists():
        return False
    _second_name(folder / LOG_FILE, folder / KEPT_LOG)
    return True


def _take_from_log(connection: sqlite3.Connection, log_file: Path) -> None:
    taken = take_over(connection, Salvaged(None, salvage_log(log_file), {}))
    if taken.new:
        log.warning("recovered %d events from behind a damaged page of the journal's log", taken.new)


def _set_aside(folder: Path, now: datetime) -> Path:
    """Link the damaged files into a folder of their own, which appears complete or not at all."""
    name = f"journal-damaged-{now:%Y%m%dT%H%M%SZ}"
    taken = sum(other.name.startswith(name) for other in folder.iterdir())
    making = folder / f".{name}"
    shutil.rmtree(making, ignore_errors=True)
    make_private_folder(making)
    for part, name_there in ((JOURNAL_FILE, JOURNAL_FILE), (KEPT_LOG, LOG_FILE)):
        if (folder / part).exists():
            _second_name(folder / part, making / name_there)
    sync_folder(making)
    aside = folder / (f"{name}-{taken + 1}" if taken else name)
    making.rename(aside)  # its name is synced together with the complete journal's, before the exchange
    return aside


def _second_name(file: Path, other: Path) -> None:
    try:
        os.link(file, other)
    except OSError:  # a file system without hard links
        shutil.copy2(file, other)
        with other.open("rb") as copy:
            os.fsync(copy.fileno())


def _exchange(folder: Path) -> None:
    """Put a complete fresh journal in place, after removing the damaged one's log."""
    if not (folder / COMPLETE).exists():
        return
    for tail in ("-wal", "-shm"):
        (folder / f"{JOURNAL_FILE}{tail}").unlink(missing_ok=True)
    sync_folder(folder)
    # Not synced here: if it is lost, the next opening repeats it. SQLite syncs the folder with the first
    # commit, whose log is a new file in it.
    (folder / COMPLETE).replace(folder / JOURNAL_FILE)


def _tidy(folder: Path) -> None:
    """Delete half-made files of an opening that was interrupted."""
    for left in folder.glob(f".{JOURNAL_FILE}.*.new*"):
        with suppress(OSError):
            left.unlink()
