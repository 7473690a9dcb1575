"""What each card has earned on one day: read once from the journal, then kept up with it.

The station alone writes awards, so nobody else can make what is kept here wrong. It spares each visit a look
at the disk, and the journal's write a transaction around it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud_sync.award_rules import Tally

if TYPE_CHECKING:
    import sqlite3

# The index over days holds what belongs to a card.
_OF_DAY = (
    "SELECT card, sum(points), sum(counted) FROM records WHERE day = ? AND card IS NOT NULL GROUP BY card"
)
NOTHING = Tally()


class DayTallies:
    """Tallies of the day that was asked for last, in the file that was asked last; one thread at a time."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._file: sqlite3.Connection | None = None
        self._day = ""
        self._tallies: dict[str, Tally] = {}

    def of(self, file: sqlite3.Connection, day: str, card: str) -> Tally:
        """What a card has earned on a day, by all that `file` holds. sqlite3.Error if it cannot be read."""
        if file is not self._file or day != self._day:
            rows = file.execute(_OF_DAY, (day,)).fetchall()
            self._tallies = {one: Tally(points, counted) for one, points, counted in rows}
            self._file, self._day = file, day
        return self._tallies.get(card, NOTHING)

    def add(self, card: str, points: int, counted: int) -> None:
        """Count what was just written for a card on the day that was asked for last."""
        before = self._tallies.get(card, NOTHING)
        self._tallies[card] = Tally(before.points + points, before.deposits + counted)
