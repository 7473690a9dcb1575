"""Whether the calendar was stepped while it was trusted. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from edge.ports import WallTime

STEP_S = 60.0
"""A trusted calendar that moved by more than this against the monotonic clock was stepped."""
STEADY_S = 600.0
"""A stepped calendar is believed again after this long."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """What is known of the calendar: its distance from the monotonic clock, and until when it is doubted."""

    offset_s: float | None = None
    doubted_until: float = -inf

    def look(self, wall: WallTime, now: float) -> Calendar:
        """Return what is known after one more look; `now` is the monotonic time.

        Setting a calendar that was not trusted before is no step: each start of a Pi without a clock does it.
        """
        if not wall.trusted:
            return replace(self, offset_s=None)
        offset_s = wall.unix_s - now
        is_step = self.offset_s is not None and abs(offset_s - self.offset_s) > STEP_S
        return Calendar(offset_s, now + STEADY_S if is_step else self.doubted_until)

    def is_doubted(self, now: float) -> bool:
        """Return whether the calendar was stepped a short while ago."""
        return now < self.doubted_until
