"""How long a motor must rest after it was driven, whatever is requested. Pure.

A motor owes as much rest as it was driven. It may owe the rest of twenty drives, more than any queue of
residents causes: a lid that opens for two seconds, is held for four and shuts for two owes no more afterwards
than before. If it owes more, no drive begins until it owes less. So in the long run a motor is driven at most
half of the time, even by a program that has gone wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

MOST_OWED_DRIVES = 20
"""A motor that owes the rest of more than this many of its longest drives may not begin a drive."""
_ROUNDING_S = 1e-6


@dataclass(frozen=True, slots=True)
class Rest:
    """The rest that a motor owed at a moment."""

    owed_s: float = 0.0
    at: float = -inf

    def counted(self, now: float, *, drives: bool) -> Rest:
        """Return the rest that it owes at `now`, after it drove or rested since."""
        spent_s = now - self.at
        return Rest(max(0.0, self.owed_s + spent_s if drives else self.owed_s - spent_s), now)

    def is_due(self, drive_s: float) -> bool:
        """Return whether no drive may begin; `drive_s` is the longest drive."""
        return self.owed_s > MOST_OWED_DRIVES * drive_s + _ROUNDING_S

    def ends(self, drive_s: float) -> float:
        """Return when a motor that is off may drive again."""
        return self.at + self.owed_s - MOST_OWED_DRIVES * drive_s
