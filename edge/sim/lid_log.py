"""A simulated lid's log, and whether the lid was ever driven open beyond its lease."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, auto
from math import inf


class What(StrEnum):
    """The kinds of lines in a lid's log."""

    LEASED = auto()
    DRIVEN_OPEN = auto()
    DRIVEN_SHUT = auto()
    REVERSED = auto()
    """Driven open because something was in the way: the only reason that needs no lease."""
    OPENED = auto()
    SHUT = auto()
    STOPPED = auto()


@dataclass(frozen=True, slots=True)
class Note:
    """One line of a lid's log."""

    at: float
    what: What
    leased_until: float


def longest_beyond_lease_s(notes: Iterable[Note]) -> float:
    """Return the longest time that the motor drove a lid open without a lease; reversals do not count."""
    longest, since, until = 0.0, None, -inf
    for note in notes:
        if since is not None:
            longest = max(longest, note.at - max(since, until))
        if note.what is What.DRIVEN_OPEN:
            since = note.at
        elif note.what is not What.LEASED:
            since = None
        until = note.leased_until
    return longest
