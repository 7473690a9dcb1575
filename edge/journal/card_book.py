"""The cards that a station knows, in its journal: who is staff, which cards are blocked."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from cloud_sync.wire.facts import Role
from config.errors import InputError
from edge.journal.filming import forget_filming, put_filming, read_filming
from edge.journal.schema import JOURNAL_FILE, connect, written_at_once
from edge.roster import UNFILMED, CardState, RosterEntry

_PUT = (
    "INSERT INTO roster (card, state, role) VALUES (?, ?, ?)"
    " ON CONFLICT (card) DO UPDATE SET state = excluded.state, role = excluded.role"
)
_LAST = "SELECT card FROM records WHERE card IS NOT NULL ORDER BY id DESC LIMIT 1"


class CardBook:
    """Reads and changes the roster in a station's journal; a change takes effect within a second."""

    def __init__(self, state_dir: Path) -> None:
        """Use the journal in `state_dir`. InputError if the station has not made one yet."""
        self._file = state_dir / JOURNAL_FILE
        if not self._file.exists():
            raise InputError(f"no journal in {state_dir}", "start the station once, then enter cards")

    def entries(self) -> dict[str, RosterEntry]:
        """Return every card in the roster."""
        with closing(connect(self._file)) as database:
            rows = database.execute("SELECT card, state, role FROM roster ORDER BY role, card").fetchall()
            filming = read_filming(database)
        return {
            card: RosterEntry(CardState(state), Role(role), filming.get(card, UNFILMED))
            for card, state, role in rows
        }

    def seen(self) -> set[str]:
        """Return the cards of all visits that the journal still has."""
        with closing(connect(self._file)) as database:
            rows = database.execute("SELECT DISTINCT card FROM records WHERE card IS NOT NULL").fetchall()
        return {card for (card,) in rows}

    def last(self) -> str:
        """Return the card of the newest visit; InputError if there was none."""
        with closing(connect(self._file)) as database:
            row = database.execute(_LAST).fetchone()
        if row is None:
            raise InputError(
                "no card has opened a lid here yet", "tap it, and wait until the visit has ended"
            )
        return str(row[0])

    def put(self, card: str, entry: RosterEntry) -> None:
        """Add a card, or change its entry."""
        with closing(connect(self._file)) as database, written_at_once(database):
            database.execute(_PUT, (card, entry.state.value, entry.role.value))
            put_filming(database, {card: entry.filming})

    def forget(self, card: str) -> None:
        """Remove a card: it opens lids as any unknown card does."""
        with closing(connect(self._file)) as database, written_at_once(database):
            database.execute("DELETE FROM roster WHERE card = ?", (card,))
            forget_filming(database, card)
