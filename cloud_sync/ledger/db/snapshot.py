"""Reading the whole ledger as it stands at one instant, without keeping anybody from writing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from cloud_sync.ledger.db import sql


@contextmanager
def snapshot() -> Iterator[None]:
    """Let all queries inside see one instant; nothing inside may write."""
    if sql.on_postgres():
        with transaction.atomic():
            sql.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", [])
            sql.execute("SET LOCAL DateStyle = 'ISO'", [])  # moments are read as text
            yield
        return
    # Django's own transactions take SQLite's write lock at once; this one only ever reads.
    sql.execute("BEGIN DEFERRED", [])
    try:
        yield
    finally:
        connection.connection.execute("ROLLBACK")
