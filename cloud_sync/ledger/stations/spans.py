"""When epochs were written: two of one station that lived at the same time are two Pis. Pure.

An epoch is one life of a station's program, so a station's epochs follow each other. Two Pis that bear
one name and one key, as a cloned memory card makes them, write by turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from cloud_sync.wire.facts import Stamp

TOGETHER = timedelta(minutes=15)
"""So long two must have lived together: a clock may have been set back between one life and the next."""
AHEAD = timedelta(minutes=5)
"""A clock this far ahead of the ledger's may be right; further ahead it is not believed."""


class Span(Struct, frozen=True, gc=False):
    """The first and the last of some trusted times."""

    first: datetime
    last: datetime


class Written(Struct, frozen=True, gc=False):
    """By which boot the events of one epoch in a batch were written, and when, as far as that is sure."""

    boot: str
    span: Span | None


NOTHING_WRITTEN = Written("", None)


def written(
    stamps: Mapping[tuple[int, str], Iterable[Stamp]], now: datetime
) -> dict[tuple[int, str], Written]:
    """For each epoch what its stamps say that came at `now`."""
    latest = (now + AHEAD).timestamp()
    found: dict[tuple[int, str], Written] = {}
    for name, some in stamps.items():
        boot, times = "", []
        for stamp in some:
            boot = stamp.boot
            if stamp.trusted and stamp.wall_s <= latest:
                times.append(stamp.wall_s)
        span = Span(_moment(min(times)), _moment(max(times))) if times else None
        found[name] = Written(boot, span)
    return found


def _moment(wall_s: float) -> datetime:
    return datetime.fromtimestamp(wall_s, UTC)


def joined(one: Span | None, other: Span | None) -> Span | None:
    """From the first of both to the last of both."""
    if one is None or other is None:
        return one or other
    return Span(min(one.first, other.first), max(one.last, other.last))


def between(before: Span | None, came: Span) -> Span:
    """After what another epoch must have ended, and before what begun, to be `together` with it."""
    whole = joined(before, came) or came
    since = came.first + TOGETHER
    if before is not None:
        since = min(since, max(before.last, whole.first + TOGETHER))
    return Span(since, whole.last - TOGETHER)


def together(before: Span | None, came: Span, other: Span) -> bool:
    """Whether what came of an epoch now shows that it and another one were written at the same time.

    `before` is what was known of it. Once the other has ended, what comes later shows nothing new.
    """
    if came.first < other.last - TOGETHER and came.last > other.first + TOGETHER:
        return True  # within the other's life
    whole = joined(before, came) or came
    resumed = other.last < whole.last and (before is None or before.last < other.last)
    return resumed and whole.first + TOGETHER < other.last and other.first + TOGETHER < whole.last
