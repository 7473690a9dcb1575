"""Read the whole ledger as of one instant, without blocking writers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from cloud_sync.ledger.db import sql


@contextmanager
def snapshot() -> Iterator[None]:
    """Let all queries inside see the same instant; nothing inside may write.

    Invalid UTF-8, which only SQLite stores as text, is read with replacement characters.
    """
    if sql.on_postgres():
        with transaction.atomic():
            sql.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", [])
            sql.execute("SET LOCAL DateStyle = 'ISO'", [])  # moments are read as text
            yield
        return
    # Django's own transactions take SQLite's write lock at once; this one only ever reads.
    sql.execute("BEGIN DEFERRED", [])
    raw = connection.connection
    usual, raw.text_factory = raw.text_factory, _text
    try:
        yield
    finally:
        raw.text_factory = usual
        raw.execute("ROLLBACK")


def _text(stored: bytes) -> str:
    return stored.decode(errors="replace")
