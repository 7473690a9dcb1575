"""What each card has earned on each day: read once from a journal, then kept up with it.

The station alone writes awards, so nobody else can make what is kept here wrong. It spares each visit a look
at the disk, the journal's write a transaction around both, and the disk an index.
"""

from __future__ import annotations

import sqlite3

from cloud_sync.rules.award_rules import Tally

# Reads through a month of rows: it is asked once, after a check of the file that reads all of it anyway.
_ALL = "SELECT day, card, sum(points), sum(counted) FROM records WHERE day IS NOT NULL GROUP BY day, card"
NOTHING = Tally()
MOST_DAYS = 64
"""Twice as many as a journal keeps: a station that runs for years forgets the first of them."""


class DayTallies:
    """Tallies by day and card; one thread at a time."""

    def __init__(self) -> None:
        """Begin with nothing earned."""
        self._days: dict[str, dict[str, Tally]] = {}

    def read(self, file: sqlite3.Connection) -> None:
        """Begin anew with all that a journal holds. sqlite3.Error if it cannot be read."""
        self._days = {}
        for day, card, points, counted in file.execute(_ALL):
            self._days.setdefault(day, {})[card] = Tally(points, counted)

    def of(self, day: str, card: str) -> Tally:
        """What a card has earned on a day."""
        return self._days.get(day, {}).get(card, NOTHING)

    def add(self, day: str, card: str, points: int, counted: int) -> None:
        """Count what was just written."""
        before = self.of(day, card)
        self._days.setdefault(day, {})[card] = Tally(before.points + points, before.deposits + counted)
        if len(self._days) > MOST_DAYS:
            del self._days[next(one for one in self._days if one != day)]
