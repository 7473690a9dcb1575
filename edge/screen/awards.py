"""Chooses which visit's points the screen shows, and for how long. Pure: works on frozen values.

Each award above zero is shown once, for at least SHOWN_S, or SHOWN_IN_A_CROWD_S while many wait. If the next
card is tapped meanwhile, it is marked as the points of the visit before. Further awards wait in a queue.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

SHOWN_S = 3.0
"""How long each award is shown, if not too many wait."""
SHOWN_IN_A_CROWD_S = 1.0
"""How long each is shown while more than CROWD wait, as when eight bins are in use at once."""
CROWD = 4
BETWEEN_S = 0.5
"""Nothing is shown for this long between two awards: two equal ones must not look like one."""
MOST_WAITING = 32
"""Bound of the queue: about twice the visits that a station can have in progress. The oldest is dropped."""


@dataclass(frozen=True, slots=True)
class ShownAward:
    """What one visit earned. `held`: until its card is registered to a household."""

    visit: int
    points: int
    held: bool


@dataclass(frozen=True, slots=True)
class Awards:
    """The award on the screen and the queue; `since`: when the screen last changed, in monotonic seconds."""

    shown: ShownAward | None = None
    since: float = 0.0
    waiting: tuple[ShownAward, ...] = ()

    def add(self, award: ShownAward, now: float) -> Awards:
        """Show an award now if no other is shown or waits; else queue it."""
        if award.points <= 0:
            return self
        if self.shown is None and not self.waiting:
            return Awards(award, now)
        return replace(self, waiting=(*self.waiting, award)[-MOST_WAITING:]).at(now, None)

    def at(self, now: float, current: int | None) -> Awards:
        """Return what is shown at `now`, while the visit `current` is in front of the station.

        The last award stays until another visit begins; between visits the screen forgets it by itself.
        """
        if now < self._until:
            return self
        if self.waiting and self.shown is not None:
            return Awards(None, now, self.waiting)
        if self.waiting:
            return Awards(self.waiting[0], now, self.waiting[1:])
        if self.shown is not None and current not in (None, self.shown.visit):
            return Awards()
        return self

    def forget(self, now: float) -> Awards:
        """Clear the screen after a quiet time; an award whose time is not over stays, and so does a queue."""
        return self if self.waiting or self.next_due(now) is not None else Awards()

    def next_due(self, now: float) -> float | None:
        """Return when `at` may next change, in monotonic seconds; None if time alone changes nothing."""
        return self._until if now < self._until else None

    @property
    def _until(self) -> float:
        if self.shown is None:
            return self.since + BETWEEN_S if self.waiting else -inf
        return self.since + (SHOWN_IN_A_CROWD_S if len(self.waiting) > CROWD else SHOWN_S)
