"""What each card has earned on each day: read once from the journal, then kept up to date in memory.

Only the station writes awards, so these sums cannot become wrong. They save each visit a read of the disk, a
transaction around read and write, and an index.
"""

from __future__ import annotations

import sqlite3

from cloud_sync.rules.award_rules import Tally

# Scans a month of rows: it runs once, after an integrity check that reads the whole file anyway.
_ALL = "SELECT day, card, sum(points), sum(counted) FROM records WHERE day IS NOT NULL GROUP BY day, card"
NOTHING = Tally()
MOST_DAYS = 64
"""Twice as many as a journal keeps: a station that runs for years drops the oldest."""


class DayTallies:
    """Tallies by day and card; one thread at a time."""

    def __init__(self) -> None:
        """Begin with nothing earned."""
        self._days: dict[str, dict[str, Tally]] = {}

    def read(self, file: sqlite3.Connection) -> None:
        """Read the tallies from a journal. sqlite3.Error if it cannot be read."""
        self._days = {}
        for day, card, points, counted in file.execute(_ALL):
            self._days.setdefault(day, {})[card] = Tally(points, counted)

    def of(self, day: str, card: str) -> Tally:
        """Return what a card has earned on a day."""
        return self._days.get(day, {}).get(card, NOTHING)

    def add(self, day: str, card: str, points: int, counted: int) -> None:
        """Add what was just written."""
        before = self.of(day, card)
        self._days.setdefault(day, {})[card] = Tally(before.points + points, before.deposits + counted)
        if len(self._days) > MOST_DAYS:
            del self._days[next(one for one in self._days if one != day)]
