"""How much went into each category's bins today, and how much of it belongs elsewhere.

Today is the day of the run's last visit, with what earlier demos of that day brought; where nobody vouches
for the calendar the journal calls each boot a day. A hand or a shadow is no thing; one that the model is
unsure of, or that nothing could look at, is counted and never called wrong.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import msgspec

from config.sorting import Category
from edge.journal.schema import JOURNAL_FILE

_DAY = """
SELECT bin, count(*), count(*) FILTER (WHERE belongs <> bin) FROM (
    SELECT json_extract(value, '$.bin_category') AS bin,
        json_extract(value, '$.verdict.category') AS belongs,
        json_extract(value, '$.verdict.state') AS state
    FROM visits, json_each(facts, '$.deposits')
    WHERE day = (SELECT day FROM visits WHERE epoch = ? ORDER BY id DESC LIMIT 1)
)
WHERE coalesce(state, '') <> 'empty' GROUP BY bin
"""


class CategoryDay(msgspec.Struct, frozen=True):
    """Things in one category's bins; `wrong` of them belong elsewhere."""

    things: int = 0
    wrong: int = 0


Day = Mapping[Category, CategoryDay]


def read_day(state_dir: Path, epoch: str) -> Day:
    """Count the day of this run's last visit, by category. It only reads; sqlite3.Error if it cannot."""
    file = f"file:{state_dir / JOURNAL_FILE}?mode=ro"
    with closing(sqlite3.connect(file, uri=True, timeout=2.0)) as database:
        rows = database.execute(_DAY, (epoch,)).fetchall()
    found = {Category(name): CategoryDay(things, wrong) for name, things, wrong in rows}
    return {category: found.get(category, CategoryDay()) for category in Category}
