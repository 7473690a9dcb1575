"""Time spans of epochs: two that overlap under one station come from two devices. Pure.

An epoch is one run of a station's program, so a station's epochs follow each other. Two devices with one
name and key, for example after a memory card was cloned, write alternately.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from cloud_sync.wire.facts import Stamp

TOGETHER = timedelta(minutes=15)
"""Overlap that counts: a clock may have been set back between one run and the next."""
AHEAD = timedelta(minutes=5)
"""A stamp further ahead of the ledger's clock than this is ignored."""


class Span(Struct, frozen=True, gc=False):
    """The first and the last of several trusted times."""

    first: datetime
    last: datetime


class WrittenSpan(Struct, frozen=True, gc=False):
    """The boot that wrote an epoch's events in a batch, and their span where stamps are trusted."""

    boot: str
    span: Span | None


NOTHING_WRITTEN = WrittenSpan("", None)


def written(
    stamps: Mapping[tuple[int, str], Iterable[Stamp]], now: datetime
) -> dict[tuple[int, str], WrittenSpan]:
    """Return the boot and span of each epoch by its stamps, which arrived at `now`."""
    latest = (now + AHEAD).timestamp()
    found: dict[tuple[int, str], WrittenSpan] = {}
    for name, some in stamps.items():
        boot, times = "", []
        for stamp in some:
            boot = stamp.boot
            if stamp.trusted and stamp.wall_s <= latest:
                times.append(stamp.wall_s)
        span = Span(_moment(min(times)), _moment(max(times))) if times else None
        found[name] = WrittenSpan(boot, span)
    return found


def _moment(wall_s: float) -> datetime:
    return datetime.fromtimestamp(wall_s, UTC)


def joined(one: Span | None, other: Span | None) -> Span | None:
    """Return the span that covers both; None only if both are None."""
    if one is None or other is None:
        return one or other
    return Span(min(one.first, other.first), max(one.last, other.last))


def between(before: Span | None, came: Span) -> Span:
    """Return the bounds for another epoch to be `together` with this one: ends after, begins before."""
    whole = joined(before, came) or came
    since = came.first + TOGETHER
    if before is not None:
        since = min(since, max(before.last, whole.first + TOGETHER))
    return Span(since, whole.last - TOGETHER)


def together(before: Span | None, came: Span, other: Span) -> bool:
    """Say whether the events of an epoch that came now show that it overlaps another one.

    `before` is its span so far. Events after the end of the other one prove no new overlap.
    """
    if came.first < other.last - TOGETHER and came.last > other.first + TOGETHER:
        return True  # inside the other's span
    whole = joined(before, came) or came
    resumed = other.last < whole.last and (before is None or before.last < other.last)
    return resumed and whole.first + TOGETHER < other.last and other.first + TOGETHER < whole.last
