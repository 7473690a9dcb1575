"""The journal's file: its layout, and how it is made and opened.

The station and its sync process share one SQLite file, in WAL mode with synchronous=FULL: a commit survives a
power cut, and a reader never waits for the writer.

One row of `records` is one event: its award, the bytes that are sent, and its receipt. Its id combines the
number of its epoch and its sequence, so a receipt covers a range of ids. The views `outbox`, `visits` and
`awards` show the same with named columns, for tools and people.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.reading.files import refuse_special
from config.reading.private import hand_over, keep_private, make_private, make_private_folder

JOURNAL_FILE = "journal.sqlite3"
SUSPECT = f".{JOURNAL_FILE}.suspect"
"""A file that the sync process makes next to a damaged journal; only the station repairs it."""
LAYOUT = 2
"""The file's user_version. Layout 1 was never released."""
PAGE_BYTES = 4096
LOCK_FILE = ".journal.lock"
BUSY_S = 5.0
"""How long a writer waits for the other process."""
LOCK_LOOK_S = 0.02
WAL_BYTES = 8 * 1024 * 1024
"""The log file is truncated to this size after a checkpoint."""
SEQUENCE_BITS = 32
MAX_SEQUENCE = 2**SEQUENCE_BITS - 1
"""Most events of one epoch: four a second for thirty years."""

_EPOCHS = """
CREATE TABLE epochs (
    number INTEGER PRIMARY KEY, epoch TEXT NOT NULL UNIQUE,
    through INTEGER NOT NULL DEFAULT 0 CHECK (through >= 0), heard_s REAL
) STRICT
"""
_RECORDS = """
CREATE TABLE records (
    id INTEGER PRIMARY KEY, event BLOB NOT NULL, crc INTEGER NOT NULL,
    card TEXT, day TEXT, points INTEGER CHECK (points >= 0), counted INTEGER CHECK (counted >= 0), lines BLOB,
    receipted_s REAL, refused TEXT
) STRICT
"""
_REFUSED = "CREATE INDEX records_refused ON records (id) WHERE refused IS NOT NULL"
"""sqlite-utils can express neither CHECK and UNIQUE within a table nor an index on some rows."""
_OF_EPOCHS = f"FROM records JOIN epochs ON number = id >> {SEQUENCE_BITS}"
_NAMED = f"SELECT id, epoch, id & {MAX_SEQUENCE} AS sequence"
_VIEWS = {
    "outbox": f"{_NAMED}, event, receipted_s, refused {_OF_EPOCHS}",
    "awards": f"{_NAMED}, card, day, points, counted, lines {_OF_EPOCHS} WHERE card IS NOT NULL",
    "visits": (
        f"{_NAMED}, card, day, json_extract(CAST(event AS TEXT), '$.facts') AS facts {_OF_EPOCHS} "
        "WHERE card IS NOT NULL"
    ),
}


class LayoutError(sqlite3.DatabaseError):
    """The journal has a layout that this program does not know; `layout` is the file's."""

    def __init__(self, layout: int) -> None:
        self.layout = layout
        super().__init__(f"it has layout {layout}, and this program knows {LAYOUT}")


def open_journal(folder: Path, *, durable: bool = True, busy_s: float = BUSY_S) -> sqlite3.Connection:
    """Open the journal in `folder`; make one if there is none. sqlite3.Error when the disk refuses.

    Without `durable` a power cut may undo the last commits: good enough for marks that can be set again.
    The connection may move between threads, but only one may use it at a time.
    """
    make_private_folder(folder)
    with alone(folder, busy_s):
        file = folder / JOURNAL_FILE
        if not file.exists():
            begin(file)
        return connect(file, durable=durable, busy_s=busy_s)


@contextmanager
def alone(folder: Path, busy_s: float = BUSY_S) -> Iterator[None]:
    """Hold the lock for opening, making or exchanging the journal in `folder`.

    TimeoutError after `busy_s` seconds: the process that has the lock may hang.
    """
    handle = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        hand_over(folder / LOCK_FILE)
        _lock(handle, folder, busy_s)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, folder: Path, busy_s: float) -> None:
    deadline = time.monotonic() + busy_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError(f"another program holds {folder / LOCK_FILE}") from None
            time.sleep(LOCK_LOOK_S)
        else:
            return


def begin(file: Path) -> None:
    """Make an empty journal that appears complete under its name, unless another process was first.

    The name is not synced to the disk: nothing is lost without it, and SQLite syncs it with the first commit,
    whose log is a new file in the folder.
    """
    fresh = build(file.parent)
    try:
        os.link(fresh, file)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def build(folder: Path) -> Path:
    """Make an empty journal in `folder` under a temporary name; sqlite3.Error leaves nothing behind."""
    fresh = folder / f".{JOURNAL_FILE}.{secrets.token_hex(4)}.new"
    make_private(fresh)
    connection = sqlite3.connect(fresh, isolation_level=None)
    try:
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode=WAL")
        _lay_out(connection)
    except BaseException:
        connection.close()
        fresh.unlink(missing_ok=True)
        raise
    connection.close()
    return fresh


def _lay_out(connection: sqlite3.Connection) -> None:
    """Make tables, indexes and views, in one transaction."""
    # It costs a fifth of a station's start, and only the first start begins a journal.
    from edge.journal.lean_database import Database  # noqa: PLC0415

    journal = Database(connection, execute_plugins=False, strict=True)
    with journal.atomic():
        journal.execute(_EPOCHS)
        journal.execute(_RECORDS)
        journal.table("records").create_index(["receipted_s", "id"], index_name="records_receipted")
        journal.execute(_REFUSED)
        roster = {"card": str, "state": str, "role": str}
        journal.table("roster").create(roster, pk="card", not_null={"state", "role"})
        journal.table("told").create({"fault": str}, pk="fault")
        owner = {"community": str, "station": str}
        journal.table("owner").create(owner, not_null=set(owner))
        journal.table("aged").create({"seconds": float}, not_null={"seconds"}).insert({"seconds": 0.0})
        for name, query in _VIEWS.items():
            journal.create_view(name, query)
        journal.execute(f"PRAGMA user_version = {LAYOUT}")


def connect(file: Path, *, durable: bool = True, busy_s: float = BUSY_S) -> sqlite3.Connection:
    """Open an existing journal.

    sqlite3.Error if it cannot be opened, LayoutError if another version wrote it, SpecialFileError if it is
    not a plain file: SQLite would wait forever at a pipe.
    """
    for part in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        refuse_special(part)
    keep_private(file)
    connection = sqlite3.connect(
        f"{file.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=busy_s,
        check_same_thread=False,
        isolation_level=None,
    )
    connection.text_factory = _text
    try:
        _check_layout(scalar(connection, "PRAGMA user_version"))
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        connection.execute(f"PRAGMA journal_size_limit={WAL_BYTES}")
    except BaseException:
        connection.close()
        raise
    return connection


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")  # one damaged name must not stop the rest from being read


def _check_layout(layout: int) -> None:
    if layout != LAYOUT:
        raise LayoutError(layout)


@contextmanager
def written_at_once(connection: sqlite3.Connection) -> Iterator[None]:
    """Run one transaction that takes the write lock first.

    A transaction that reads before it takes the lock could not wait for the other process's commit.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A failed commit may leave its transaction open, and the next one could not begin.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def scalar(connection: sqlite3.Connection, query: str, values: tuple[object, ...] = ()) -> int:
    """Return the single integer that a query gives."""
    return int(connection.execute(query, values).fetchone()[0])


def number_of(connection: sqlite3.Connection, epoch: str) -> int:
    """Return an epoch's number in this file; assign one if it has none."""
    connection.execute("INSERT OR IGNORE INTO epochs (epoch) VALUES (?)", (epoch,))
    return scalar(connection, "SELECT number FROM epochs WHERE epoch = ?", (epoch,))


Owner = tuple[str, str]
"""A community and a station."""


class ForeignError(ValueError):
    """The journal holds another station's events; the text names both stations and the fix."""

    def __init__(self, owner: tuple[str, str], ours: tuple[str, str]) -> None:
        super().__init__(
            f"the journal holds events of station {'/'.join(owner)}, and this is {'/'.join(ours)}: "
            "give this station a state folder of its own"
        )


def station_of(connection: sqlite3.Connection) -> Owner | None:
    """Return the journal's owner; None if it has none yet, or if this is not a journal."""
    if not scalar(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'owner'"):
        return None
    row = connection.execute("SELECT community, station FROM owner").fetchone()
    return None if row is None else (row[0], row[1])


def claim(connection: sqlite3.Connection, community: str, station: str) -> tuple[str, str]:
    """Claim the journal for this station unless another one has; return its owner.

    Call it within a transaction.
    """
    connection.execute(
        "INSERT INTO owner SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM owner)", (community, station)
    )
    owner = connection.execute("SELECT community, station FROM owner").fetchone()
    return owner[0], owner[1]


def first_id(number: int) -> int:
    """Return the base of an epoch's ids: base + sequence is the id of an event."""
    return number << SEQUENCE_BITS
