"""Reads all that can be read of a journal's file, damaged or not, without changing it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from zlib import crc32

import msgspec

from cloud_sync.wire.envelope import EventId, decode_event, decode_event_id
from cloud_sync.wire.facts import Role, VisitFacts
from config.reading.files import refuse_special
from config.reading.private import make_private
from edge.journal.schema import BUSY_S, JOURNAL_FILE, LAYOUT, PAGE_BYTES, LayoutError, connect
from edge.journal.sqlite_pages import Value, find_log_rows, find_rows
from edge.roster import CardState, RosterEntry

_SURROUNDINGS = frozenset({3, 5, 6, 7, 8, 9, 10, 13, 14, 15, 19, 22, 23})
"""SQLite's primary result codes for errors that are not the file's: permissions, locks, memory, a full disk,
a row that violates a constraint… (https://www.sqlite.org/rescode.html)"""
_SHORT_READ = 10 | 2 << 8
_LAYOUTS = 32
"""A layout number above this is noise, not a newer program's."""
_VERSIONS_AT, _WAL_VERSIONS = 18, b"\x02\x02"
"""Offset of the write and read format in the header, and their values in WAL mode
(https://www.sqlite.org/fileformat2.html, section 1.3)."""
_TABLES = frozenset({"epochs", "records", "roster", "told", "owner", "aged"})
_CARD_LETTERS = 64


class JournalRow(NamedTuple):
    """One row of the journal: an event as its station wrote it, its award and its receipt."""

    id: int
    event: bytes
    crc: int
    card: str | None
    day: str | None
    points: int | None
    counted: int | None
    lines: bytes | None
    receipted_s: float | None
    refused: str | None

    def named(self) -> EventId:
        """Return the event's identity, read from its own bytes."""
        return decode_event_id(self.event)


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What could be read of a file. `damage` says why SQLite could not read it; None if it could."""

    damage: str | None
    records: tuple[JournalRow, ...]
    """Each event once, in the order of writing."""
    roster: Mapping[str, RosterEntry]
    owner: tuple[str, str] | None = None
    """The (community, station) that the events belong to; None if there is no owner or it cannot be read."""


def is_damage(error: BaseException) -> bool:
    """Return whether an error means that the file itself is broken, not only busy, full or out of reach."""
    if isinstance(error, UnicodeDecodeError):  # SQLite quoted a name from the file, and it was noise
        return True
    if isinstance(error, LayoutError):
        return not LAYOUT < error.layout < _LAYOUTS
    code = getattr(error, "sqlite_errorcode", 0)
    may_be = isinstance(error, sqlite3.DatabaseError) and code
    return bool(may_be) and (code == _SHORT_READ or code & 0xFF not in _SURROUNDINGS)


def find_damage(file: Path, busy_s: float = BUSY_S) -> str | None:
    """Return why this journal cannot be used any further; None if it can.

    Reads every page once. LayoutError if a newer program wrote it; sqlite3.Error when the disk refuses.
    """
    try:
        with closing(connect(file, busy_s=busy_s)) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema").fetchall()}
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if is_damage(error):
            return str(error)
        raise
    if verdict != "ok":
        return " ".join(str(verdict).split())
    with file.open("rb") as opened:
        versions = opened.read(_VERSIONS_AT + 2)[_VERSIONS_AT:]
    if versions != _WAL_VERSIONS:
        return "its header does not say WAL mode"
    return None if names >= _TABLES else f"it has no table {', '.join(sorted(_TABLES - names))}"


def salvage(file: Path) -> Salvaged:
    """Read a journal and its write-ahead log without changing them. OSError if they cannot be read."""
    main = _bytes_of(file)
    log_file = file.with_name(file.name + "-wal")
    log = _bytes_of(log_file) if log_file.exists() else b""
    with TemporaryDirectory(prefix="tongzhan-journal-") as scratch:
        copy = Path(scratch) / JOURNAL_FILE
        for each, held in ((copy, main), (copy.with_name(copy.name + "-wal"), log)):
            make_private(each)
            each.write_bytes(held)
        try:
            damage = find_damage(copy)
            if damage is None:
                with closing(connect(copy)) as connection:
                    return _by_sql(connection)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            damage = str(error)
    return _by_page(damage, main, log)


def read_cards(folder: Path) -> Mapping[str, RosterEntry]:
    """Return the known cards of a journal in a read-only folder; none if they cannot be read.

    A blocked card must not open a lid just because a disk became read-only.
    """
    for read in (_cards_by_copy, _cards_in_place):
        try:
            return read(folder / JOURNAL_FILE)
        except (OSError, sqlite3.Error):
            continue
    return {}


def _cards_by_copy(file: Path) -> Mapping[str, RosterEntry]:
    return salvage(file).roster


def _cards_in_place(file: Path) -> Mapping[str, RosterEntry]:
    """Read without the log, on a machine with no other folder to write a copy to."""
    refuse_special(file)
    uri = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        return _roster(connection.execute("SELECT card, state, role FROM roster").fetchall())


def salvage_log(log: Path) -> tuple[JournalRow, ...]:
    """Return the events in a write-ahead log. SQLite silently drops everything after a bad page of it."""
    rows = find_log_rows(_bytes_of(log), PAGE_BYTES)
    return tuple(sorted(_each_once([(rowid, *values[1:]) for rowid, values in rows]), key=lambda one: one.id))


def _bytes_of(file: Path) -> bytes:
    """Return a file's bytes, with zeros for pages that the card no longer reads."""
    refuse_special(file)
    pieces = []
    with file.open("rb", buffering=0) as opened:
        size = os.fstat(opened.fileno()).st_size
        for at in range(0, size, PAGE_BYTES):
            try:
                pieces.append(os.pread(opened.fileno(), PAGE_BYTES, at))
            except OSError:
                pieces.append(bytes(min(PAGE_BYTES, size - at)))
    return b"".join(pieces)


def _by_sql(connection: sqlite3.Connection) -> Salvaged:
    # This import costs a fifth of a station's start, and only a damaged journal or a person needs it.
    from edge.journal.lean_database import Database  # noqa: PLC0415

    journal = Database(connection)

    def rows(table: str, *columns: str) -> list[tuple[Value, ...]]:
        found = journal.table(table).rows_where(select=", ".join(columns), order_by="rowid")
        return [tuple(row.values()) for row in found]

    return Salvaged(
        None,
        _each_once(rows("records", *JournalRow._fields)),
        _roster(rows("roster", "card", "state", "role")),
        _owner(rows("owner", "community", "station")),
    )


def _by_page(damage: str, main: bytes, log: bytes) -> Salvaged:
    rows = list(find_rows(main, log, PAGE_BYTES))
    records = sorted(_each_once([(rowid, *values[1:]) for rowid, values in rows]), key=lambda one: one.id)
    others = [values for _, values in rows]
    return Salvaged(damage, tuple(records), _roster(others), _owner(others))


def _each_once(rows: Iterable[tuple[Value, ...]]) -> tuple[JournalRow, ...]:
    """Return the valid records, only the first one for each event."""
    found: dict[EventId, JournalRow] = {}
    for row in rows:
        record = _record(row)
        if record is not None and (name := _name(record)) is not None:
            found.setdefault(name, record)
    return tuple(found.values())


def _record(row: tuple[Value, ...]) -> JournalRow | None:
    try:
        record = msgspec.convert(row, JournalRow, strict=True)
    except msgspec.ValidationError:
        return None
    return _trusted(record) if crc32(record.event) == record.crc else None


def _trusted(record: JournalRow) -> JournalRow:
    """Correct a record's columns from its event: the checksum covers only the event.

    A page that was written in part may have the event without the matching columns.
    """
    try:
        facts = decode_event(record.event).facts
    except msgspec.DecodeError:
        return record
    stated = (facts.card, facts.provisional) if isinstance(facts, VisitFacts) else (None, None)
    if (record.card, record.points) == stated:
        return record
    card, points = stated
    return record._replace(card=card, day=None, points=points, counted=None, lines=None)


def _name(record: JournalRow) -> EventId | None:
    try:
        return record.named()
    except msgspec.DecodeError:
        return None


def _owner(rows: Iterable[tuple[Value, ...]]) -> tuple[str, str] | None:
    for row in rows:
        match row:
            case (str(community), str(station)):
                return community, station
            case _:
                continue
    return None


def _roster(rows: Iterable[tuple[Value, ...]]) -> dict[str, RosterEntry]:
    found: dict[str, RosterEntry] = {}
    for row in rows:
        match row:
            case (str(card), str(state), str(role)) if (
                len(card) == _CARD_LETTERS and state in set(CardState) and role in set(Role)
            ):
                found.setdefault(card, RosterEntry(CardState(state), Role(role)))
            case _:
                continue
    return found
