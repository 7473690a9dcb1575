"""The cards that a station knows, as its journal has them: who is staff, which are blocked."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from cloud_sync.wire.facts import Role
from config.errors import InputError
from edge.journal.schema import JOURNAL_FILE, connect, written_at_once
from edge.roster import CardState, RosterEntry

_PUT = (
    "INSERT INTO roster (card, state, role) VALUES (?, ?, ?)"
    " ON CONFLICT (card) DO UPDATE SET state = excluded.state, role = excluded.role"
)
_LAST = "SELECT card FROM records WHERE card IS NOT NULL ORDER BY id DESC LIMIT 1"


class CardBook:
    """Reads and changes the roster in a station's journal; the station heeds a change within a second."""

    def __init__(self, state_dir: Path) -> None:
        """InputError where there is no journal yet: the station makes it, as the user that it runs as."""
        self._file = state_dir / JOURNAL_FILE
        if not self._file.exists():
            raise InputError(f"no journal in {state_dir}", "start the station once, then tell it of cards")

    def entries(self) -> dict[str, RosterEntry]:
        """Every card that the station was told of."""
        with closing(connect(self._file)) as database:
            rows = database.execute("SELECT card, state, role FROM roster ORDER BY role, card").fetchall()
        return {card: RosterEntry(CardState(state), Role(role)) for card, state, role in rows}

    def seen(self) -> set[str]:
        """Every card of a visit that the journal still has."""
        with closing(connect(self._file)) as database:
            rows = database.execute("SELECT DISTINCT card FROM records WHERE card IS NOT NULL").fetchall()
        return {card for (card,) in rows}

    def last(self) -> str:
        """The card of the newest visit; InputError if there was none."""
        with closing(connect(self._file)) as database:
            row = database.execute(_LAST).fetchone()
        if row is None:
            raise InputError("no card has opened a lid here yet", "tap it, wait until the visit has ended")
        return str(row[0])

    def put(self, card: str, entry: RosterEntry) -> None:
        """Know a card as this from now on."""
        with closing(connect(self._file)) as database, written_at_once(database):
            database.execute(_PUT, (card, entry.state.value, entry.role.value))

    def forget(self, card: str) -> None:
        """Know a card no more: it opens lids as any stranger's does."""
        with closing(connect(self._file)) as database, written_at_once(database):
            database.execute("DELETE FROM roster WHERE card = ?", (card,))
