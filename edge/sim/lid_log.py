"""What a simulated lid writes down, and whether it was ever driven open beyond its lease."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, auto
from math import inf


class What(StrEnum):
    """What a lid's log can say."""

    LEASED = auto()
    DRIVEN_OPEN = auto()
    DRIVEN_SHUT = auto()
    REVERSED = auto()
    """Driven open because something was in the way: the one reason that needs no lease."""
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
    """The longest that these notes show the motor driving a lid open without a lease, reversals aside."""
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
