"""Find out when a visit was from what its station stated. Pure: no database, no clock.

A trusted time is taken as it is. An untrusted one is mended by a trusted stamp of the same boot in the same
batch: two stamps of one boot differ by their monotonic seconds. If there is none, the time is bounded by
the visit's neighbours and the receipt, and the settlement chooses the day in the resident's favour.

While the ledger's clock is in doubt it dates nothing: visits that need it wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct

from cloud_sync.ledger.settling.doubt import Doubt
from cloud_sync.ledger.stations.spans import AHEAD
from cloud_sync.wire.facts import Stamp

FURTHEST_BACK = timedelta(days=7)
"""The longest span before the latest possible moment of a visit of unknown time."""

Timed = Literal["stated", "mended", "bounded", "doubted"]
"""The values of `points.models.Timed`."""


class StampedEvent(Struct, frozen=True, gc=False):
    """An event's place in its journal and its stamp."""

    epoch: str
    sequence: int
    stamp: Stamp


class Moment(Struct, frozen=True, gc=False):
    """When something was, UTC: at `latest`, or between `earliest` and `latest` if no more is known."""

    earliest: datetime
    latest: datetime
    timed: Timed


def stated(stamp: Stamp, now: datetime, doubt: Doubt | None = None) -> Moment | None:
    """Read the time of a trusted stamp received at `now`; None for a stamp that cannot be believed."""
    if not stamp.trusted:
        return None
    at = datetime.fromtimestamp(stamp.wall_s, UTC)
    latest = now + AHEAD if doubt is None else doubt.sure_until
    return Moment(at, at, "stated") if at <= latest else None


def moments(
    batch: Sequence[StampedEvent],
    now: datetime,
    before: Mapping[str, datetime] | None = None,
    doubt: Doubt | None = None,
) -> list[Moment]:
    """Date each event of a batch received at `now`, in the batch's order.

    `before` gives for an epoch a moment before all of its events in the batch. With a `doubt` about the
    ledger's clock, an event that only this clock could date is "doubted" and its time is a guess.
    """
    known = [stated(item.stamp, now, doubt) or _mended(item, batch, now, doubt) for item in batch]
    if None not in known:
        return [moment for moment in known if moment is not None]
    return [
        moment or _bounded(item, batch, known, now, (before or {}).get(item.epoch), doubt)
        for item, moment in zip(batch, known, strict=True)
    ]


def _mended(
    item: StampedEvent, batch: Iterable[StampedEvent], now: datetime, doubt: Doubt | None
) -> Moment | None:
    """Date by the nearest trusted stamp of the same boot; prefer a later one to an earlier one."""
    helps = [
        other
        for other in batch
        if other.stamp.boot == item.stamp.boot and stated(other.stamp, now, doubt) is not None
    ]
    if not helps:
        return None
    nearest = min(helps, key=lambda other: _distance(item, other))
    wall_s = nearest.stamp.wall_s - (nearest.stamp.monotonic_s - item.stamp.monotonic_s)
    latest = now if doubt is None else doubt.sure_until
    if doubt is not None and wall_s > latest.timestamp():
        return None
    at = min(latest, datetime.fromtimestamp(max(0.0, min(wall_s, latest.timestamp())), UTC))
    return Moment(at, at, "mended")


def _distance(item: StampedEvent, other: StampedEvent) -> tuple[bool, float]:
    apart = other.stamp.monotonic_s - item.stamp.monotonic_s
    return apart < 0, abs(apart)


def _bounded(
    item: StampedEvent,
    batch: Sequence[StampedEvent],
    known: Sequence[Moment | None],
    now: datetime,
    before: datetime | None,
    doubt: Doubt | None,
) -> Moment:
    neighbours = [
        (other.sequence, moment.latest)
        for other, moment in zip(batch, known, strict=True)
        if moment is not None and other.epoch == item.epoch
    ]
    later = [at for sequence, at in neighbours if sequence > item.sequence]
    if doubt is not None and not later:
        return _guess(item, doubt)
    latest = min([*later, *([now] if doubt is None else [])])
    earlier = [at for sequence, at in neighbours if sequence < item.sequence]
    earliest = max([*earlier, *([] if before is None else [before])], default=latest)
    return Moment(min(latest, max(earliest, latest - FURTHEST_BACK)), latest, "bounded")


def _guess(item: StampedEvent, doubt: Doubt) -> Moment:
    """Guess a time to show until the visit can be dated: its own, or else the newest known time."""
    at = datetime.fromtimestamp(item.stamp.wall_s, UTC) if item.stamp.trusted else doubt.known or doubt.now
    return Moment(at, at, "doubted")
