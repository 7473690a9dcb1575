"""Reads journals from the disk, while stations run and after they were killed."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from cloud_sync.wire.envelope import decode_event
from cloud_sync.wire.facts import VisitFacts
from edge.journal.schema import JOURNAL_FILE
from scripts.soak.judge.rows import Journal, Row

WAIT_S = 30.0
"""Longest wait for a station that is writing."""
_ROWS = "SELECT epoch, sequence, event, receipted_s IS NOT NULL FROM outbox ORDER BY id"
_AWARDS = "SELECT epoch, sequence, points FROM awards"


def read_journal(folder: Path, station: str, *, gone: bool = False) -> Journal:
    """Read every row of the journal in a folder; an empty journal if there is none yet."""
    file = folder / JOURNAL_FILE
    if not file.exists():
        return Journal(station, {}, gone)
    with closing(sqlite3.connect(file, timeout=WAIT_S)) as database:
        database.execute("BEGIN")  # both questions about one instant
        awards = {(epoch, sequence): points for epoch, sequence, points in database.execute(_AWARDS)}
        rows = {
            (station, epoch, sequence): _row(event, awards.get((epoch, sequence)), receipted=bool(receipted))
            for epoch, sequence, event, receipted in database.execute(_ROWS)
        }
    return Journal(station, rows, gone)


def _row(event: bytes, points: int | None, *, receipted: bool) -> Row:
    decoded = decode_event(event)
    visit = decoded.facts if isinstance(decoded.facts, VisitFacts) else None
    card = None if visit is None else visit.card
    return Row(hashlib.sha256(event).hexdigest()[:16], points, card, receipted, visit, decoded.stamp)


def depth(folder: Path) -> int:
    """Count the events of a folder's journal that wait for a receipt."""
    return _count(folder, "SELECT count(*) FROM outbox WHERE receipted_s IS NULL")


def written(folder: Path) -> int:
    """Count the events of a folder's journal."""
    return _count(folder, "SELECT count(*) FROM outbox")


def _count(folder: Path, query: str) -> int:
    file = folder / JOURNAL_FILE
    if not file.exists():
        return 0
    with closing(sqlite3.connect(file, timeout=WAIT_S)) as database:
        return int(database.execute(query).fetchone()[0])
