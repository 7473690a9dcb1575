"""The journal's file: how it is opened, and its tables.

One SQLite file is where the station and its sync process meet. WAL with synchronous=FULL: what was
committed survives a power cut, and a reader never waits for the writer.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlite_utils import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JOURNAL_FILE = "journal.sqlite3"
BUSY_S = 5.0
"""How long a writer waits for the other process."""

_TABLES = """
CREATE TABLE IF NOT EXISTS visits (
    epoch TEXT NOT NULL, sequence INTEGER NOT NULL, card TEXT NOT NULL, role TEXT NOT NULL,
    day TEXT NOT NULL, facts BLOB NOT NULL,
    PRIMARY KEY (epoch, sequence)
) STRICT;
CREATE TABLE IF NOT EXISTS awards (
    epoch TEXT NOT NULL, sequence INTEGER NOT NULL, card TEXT NOT NULL, day TEXT NOT NULL,
    points INTEGER NOT NULL CHECK (points >= 0), counted INTEGER NOT NULL CHECK (counted >= 0),
    rules INTEGER NOT NULL, lines BLOB NOT NULL,
    PRIMARY KEY (epoch, sequence),
    FOREIGN KEY (epoch, sequence) REFERENCES visits (epoch, sequence)
) STRICT;
CREATE INDEX IF NOT EXISTS awards_of_day ON awards (card, day);
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, epoch TEXT NOT NULL, sequence INTEGER NOT NULL,
    event BLOB NOT NULL, receipted_s REAL, refused TEXT,
    UNIQUE (epoch, sequence)
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_open ON outbox (id) WHERE receipted_s IS NULL;
CREATE INDEX IF NOT EXISTS outbox_refused ON outbox (id) WHERE refused IS NOT NULL;
CREATE TABLE IF NOT EXISTS roster (
    card TEXT PRIMARY KEY, state TEXT NOT NULL, role TEXT NOT NULL
) STRICT;
"""


def open_journal(folder: Path) -> Database:
    """Open the journal in `folder`, making it if it is missing. sqlite3.Error when the disk refuses.

    The connection may be handed to another thread, but is used by one at a time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(
        folder / JOURNAL_FILE, timeout=BUSY_S, check_same_thread=False, isolation_level=None
    )
    database = Database(connection)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("PRAGMA foreign_keys=ON")
    connection.executescript(_TABLES)
    return database


@contextmanager
def written_at_once(database: Database) -> Iterator[None]:
    """One transaction, all or nothing, that takes the write lock before it reads.

    A transaction that read first and wrote later could not wait for the other process's commit.
    """
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.commit()
    except BaseException:
        # A commit that fails may leave its transaction open, and then no other could begin.
        database.rollback()
        raise
