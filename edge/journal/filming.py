"""Which cards' households agreed to clips or have an open appeal: a table of the journal of its own.

It is made with its first row, so a journal of an earlier version needs no change; without it nobody agreed. A
repaired journal begins without it: consent that cannot be read is no consent.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from edge.journal.schema import scalar
from edge.roster import UNFILMED, Filming

_MAKE = """
CREATE TABLE IF NOT EXISTS filming (
    card TEXT PRIMARY KEY, consents INTEGER NOT NULL CHECK (consents IN (0, 1)),
    is_appealed INTEGER NOT NULL CHECK (is_appealed IN (0, 1))
) STRICT
"""
_PUT = (
    "INSERT INTO filming VALUES (?, ?, ?) ON CONFLICT (card)"
    " DO UPDATE SET consents = excluded.consents, is_appealed = excluded.is_appealed"
)


def read_filming(connection: sqlite3.Connection) -> dict[str, Filming]:
    """Return what is known of each card; a card that is missing is unfilmed."""
    if not scalar(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'filming'"):
        return {}
    rows = connection.execute("SELECT card, consents, is_appealed FROM filming").fetchall()
    return {card: Filming(bool(consents), bool(is_appealed)) for card, consents, is_appealed in rows}


def put_filming(connection: sqlite3.Connection, cards: Mapping[str, Filming]) -> None:
    """Set what is known of these cards; call it within a transaction."""
    if any(filming != UNFILMED for filming in cards.values()):
        connection.execute(_MAKE)
    elif not scalar(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'filming'"):
        return
    rows = [(card, filming.consents, filming.is_appealed) for card, filming in cards.items()]
    connection.executemany(_PUT, rows)


def forget_filming(connection: sqlite3.Connection, card: str | None = None) -> None:
    """Forget what is known of one card, or of all; call it within a transaction."""
    if not scalar(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'filming'"):
        return
    connection.execute("DELETE FROM filming WHERE ?1 IS NULL OR card = ?1", (card,))
