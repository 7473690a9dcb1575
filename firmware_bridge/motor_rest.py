"""How long a motor has to rest for what it was driven, whatever was asked of it. Pure.

It rests as long as it was driven. It may owe the rest of twenty drives, which is more than any crowd of
residents brings about: a lid that opens for two seconds, is held for four and shuts for two owes nothing
more afterwards than before. Past that no drive begins until it owes less, so that over a long time a motor
is driven half of it at most, whatever a mad program asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

MOST_OWED_DRIVES = 20
"""A motor that owes a longer rest than so many of its longest drives would take begins no other."""
_ROUNDING_S = 1e-6


@dataclass(frozen=True, slots=True)
class Rest:
    """The rest that a motor owed at one moment."""

    owed_s: float = 0.0
    at: float = -inf

    def counted(self, now: float, *, drives: bool) -> Rest:
        """What it owes at `now`, having driven since, or rested."""
        spent_s = now - self.at
        return Rest(max(0.0, self.owed_s + spent_s if drives else self.owed_s - spent_s), now)

    def is_due(self, drive_s: float) -> bool:
        """Whether no drive may begin; `drive_s` is the longest that one may take."""
        return self.owed_s > MOST_OWED_DRIVES * drive_s + _ROUNDING_S

    def ends(self, drive_s: float) -> float:
        """When a motor that is off may drive again."""
        return self.at + self.owed_s - MOST_OWED_DRIVES * drive_s
