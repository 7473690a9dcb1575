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

_LAYOUT = f"""
CREATE TABLE epochs (
    number INTEGER PRIMARY KEY, epoch TEXT NOT NULL UNIQUE,
    through INTEGER NOT NULL DEFAULT 0 CHECK (through >= 0), heard_s REAL
) STRICT;
CREATE TABLE records (
    id INTEGER PRIMARY KEY, event BLOB NOT NULL, crc INTEGER NOT NULL,
    card TEXT, day TEXT, points INTEGER CHECK (points >= 0), counted INTEGER CHECK (counted >= 0), lines BLOB,
    receipted_s REAL, refused TEXT
) STRICT;
CREATE INDEX records_receipted ON records (receipted_s, id);
CREATE INDEX records_refused ON records (id) WHERE refused IS NOT NULL;
CREATE TABLE roster (card TEXT PRIMARY KEY, state TEXT NOT NULL, role TEXT NOT NULL) STRICT;
CREATE TABLE told (fault TEXT PRIMARY KEY) STRICT;
CREATE TABLE owner (community TEXT NOT NULL, station TEXT NOT NULL) STRICT;
CREATE TABLE aged (seconds REAL NOT NULL) STRICT;
INSERT INTO aged VALUES (0);
CREATE VIEW outbox AS
    SELECT id, epoch, id & {MAX_SEQUENCE} AS sequence, event, receipted_s, refused
    FROM records JOIN epochs ON number = id >> {SEQUENCE_BITS};
CREATE VIEW awards AS
    SELECT id, epoch, id & {MAX_SEQUENCE} AS sequence, card, day, points, counted, lines
    FROM records JOIN epochs ON number = id >> {SEQUENCE_BITS} WHERE card IS NOT NULL;
CREATE VIEW visits AS
    SELECT id, epoch, id & {MAX_SEQUENCE} AS sequence, card, day,
        json_extract(CAST(event AS TEXT), '$.facts') AS facts
    FROM records JOIN epochs ON number = id >> {SEQUENCE_BITS} WHERE card IS NOT NULL;
PRAGMA user_version = {LAYOUT};
"""  # noqa: S608 (numbers of ours)


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
        connection.executescript(f"BEGIN; {_LAYOUT} COMMIT;")
    except BaseException:
        connection.close()
        fresh.unlink(missing_ok=True)
        raise
    connection.close()
    return fresh


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
