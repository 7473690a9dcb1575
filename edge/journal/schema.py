"""The journal's file: its layout, how one is begun, and how it is opened.

One SQLite file is where the station and its sync process meet. WAL with synchronous=FULL: what was
committed survives a power cut, and a reader never waits for the writer.

One row of `records` is one event: what the station earned for it, the bytes that are sent, and how far
it has come. Its id is made of the number of its epoch and its sequence, so a receipt is a range of ids.
The views `outbox`, `visits` and `awards` say the same by name, for tools and for people.
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
"""Stands beside a journal that the sync process found damaged; the station alone mends it."""
LAYOUT = 2
"""Stands in the file as its user_version. Layout 1 never left the workshop."""
PAGE_BYTES = 4096
LOCK_FILE = ".journal.lock"
BUSY_S = 5.0
"""How long a writer waits for the other process."""
LOCK_LOOK_S = 0.02
WAL_BYTES = 8 * 1024 * 1024
"""The log is cut back to this when a checkpoint has emptied it."""
SEQUENCE_BITS = 32
MAX_SEQUENCE = 2**SEQUENCE_BITS - 1
"""Events of one opening of the journal: four a second for thirty years."""

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
    """A journal of another layout than this program writes; `layout` is the file's."""

    def __init__(self, layout: int) -> None:
        self.layout = layout
        super().__init__(f"it has layout {layout}, and this program knows {LAYOUT}")


def open_journal(folder: Path, *, durable: bool = True, busy_s: float = BUSY_S) -> sqlite3.Connection:
    """Open the journal in `folder`, beginning one if there is none. sqlite3.Error when the disk refuses.

    Without `durable` a power cut may take back the last commits: enough for marks that come again.
    The connection may be handed to another thread, but is used by one at a time.
    """
    make_private_folder(folder)
    with alone(folder, busy_s):
        file = folder / JOURNAL_FILE
        if not file.exists():
            begin(file)
        return connect(file, durable=durable, busy_s=busy_s)


@contextmanager
def alone(folder: Path, busy_s: float = BUSY_S) -> Iterator[None]:
    """Open, begin or exchange the journal in `folder` while no other process does; waits for its turn.

    TimeoutError after `busy_s` seconds: the process that holds the lock may hang.
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
    """Make an empty journal under its name at once and whole, unless another process was quicker.

    The name is not forced onto the disk: nothing is lost without it, and SQLite forces it with the first
    commit, whose log is a new file in the folder.
    """
    fresh = build(file.parent)
    try:
        os.link(fresh, file)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def build(folder: Path) -> Path:
    """Make an empty journal in `folder` under a passing name; sqlite3.Error leaves nothing behind."""
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

    sqlite3.Error when it cannot be opened, LayoutError if another version wrote it, SpecialFileError if it is
    no plain file: SQLite would wait at a pipe without end.
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
    return raw.decode(errors="replace")  # a damaged name must not keep all else from being read


def _check_layout(layout: int) -> None:
    if layout != LAYOUT:
        raise LayoutError(layout)


@contextmanager
def written_at_once(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction, all or nothing, that takes the write lock before it reads.

    A transaction that read first and wrote later could not wait for the other process's commit.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A commit that fails may leave its transaction open, and then no other could begin.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def scalar(connection: sqlite3.Connection, query: str, values: tuple[object, ...] = ()) -> int:
    """The one whole number that a query gives."""
    return int(connection.execute(query, values).fetchone()[0])


def number_of(connection: sqlite3.Connection, epoch: str) -> int:
    """The number of an epoch in this file, given to it now if it has none."""
    connection.execute("INSERT OR IGNORE INTO epochs (epoch) VALUES (?)", (epoch,))
    return scalar(connection, "SELECT number FROM epochs WHERE epoch = ?", (epoch,))


Owner = tuple[str, str]
"""A community and a station of it."""


class ForeignError(ValueError):
    """A journal that holds events of another station; its text says whose, and the mend."""

    def __init__(self, owner: tuple[str, str], ours: tuple[str, str]) -> None:
        super().__init__(
            f"the journal holds events of station {'/'.join(owner)}, and this is {'/'.join(ours)}: "
            "give this station a state folder of its own"
        )


def station_of(connection: sqlite3.Connection) -> Owner | None:
    """Give the station whose events these are; None if they are nobody's yet, or this is no journal."""
    if not scalar(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'owner'"):
        return None
    row = connection.execute("SELECT community, station FROM owner").fetchone()
    return None if row is None else (row[0], row[1])


def claim(connection: sqlite3.Connection, community: str, station: str) -> tuple[str, str]:
    """Whose events these are: this station's from now on, unless they were another's before.

    Within a transaction.
    """
    connection.execute(
        "INSERT INTO owner SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM owner)", (community, station)
    )
    owner = connection.execute("SELECT community, station FROM owner").fetchone()
    return owner[0], owner[1]


def first_id(number: int) -> int:
    """The id below the first event of the epoch with this number; a sequence is added to it."""
    return number << SEQUENCE_BITS
