"""Debounces a contact: a level counts once it has been stable for a while. Pure.

Levels are read, never counted from edges: a phantom or a lost edge (gpiozero#1090) changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf


@dataclass(frozen=True, slots=True)
class DebounceTimes:
    """How long a level must be stable before it counts, in seconds."""

    on_s: float
    off_s: float

    def of(self, raw: bool) -> float:  # noqa: FBT001 (a level is its own name)
        """Return how long the level `raw` must be stable."""
        return self.on_s if raw else self.off_s


@dataclass(frozen=True, slots=True)
class Debounced:
    """A contact: `level` is settled, None at first; `raw` is the last reading, the same since `since`."""

    level: bool | None = None
    raw: bool | None = None
    since: float = -inf


def debounce(contact: Debounced, raw: bool, now: float, settling: DebounceTimes) -> Debounced:  # noqa: FBT001 (as above)
    """Return the contact after one reading."""
    if raw is not contact.raw:
        contact = replace(contact, raw=raw, since=now)
    if contact.level is not raw and now >= contact.since + settling.of(raw):
        contact = replace(contact, level=raw)
    return contact


def debounced_at(contact: Debounced, settling: DebounceTimes) -> float:
    """Return when another reading would change the level; inf while it is stable or was never read."""
    if contact.raw is None or contact.raw is contact.level:
        return inf
    return contact.since + settling.of(contact.raw)
