"""Find a run of primary keys that no row has and no row will get, for all tables of a community at once.

A community that came from another ledger has its rows under the keys that its chains name plus one number,
the base, so that no table has to say which key was which. All keys above the base are the community's or
those of later rows.
"""

from __future__ import annotations

from cloud_sync.ledger.db import sql
from cloud_sync.ledger.moving.tables import numbered

MARGIN = 1000
"""Keys left between the newest and the base: what workers may take while the sequences are moved."""


def reserve_before(largest: int) -> int | None:
    """On PostgreSQL, move every table's sequence past `largest` keys; return the base. None on SQLite.

    Call it outside of the transaction that stores the rows: a sequence belongs to none. One that is not used
    leaves a gap, which means nothing.
    """
    if not sql.on_postgres():
        return None
    base = MARGIN + max(_next(table, column) for table, column in numbered())
    for table, column in numbered():
        sql.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [table, column, base + largest])
    return base


def reserve_within(largest: int) -> int:
    """On SQLite, do the same within the transaction, which is the only one that writes."""
    base = max(_newest(table, column) for table, column in numbered())
    for table, _ in numbered():
        sql.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
        sql.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, base + largest])
    return base


def _next(table: str, column: str) -> int:
    ((key,),) = sql.execute("SELECT nextval(pg_get_serial_sequence(%s, %s))", [table, column])
    return int(key)


def _newest(table: str, column: str) -> int:
    ((stored,),) = sql.execute(f'SELECT COALESCE(MAX("{column}"), 0) FROM "{table}"', [])  # noqa: S608 (our own)
    counted = sql.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
    return max(int(stored), *(int(seq) for (seq,) in counted)) if counted else int(stored)
