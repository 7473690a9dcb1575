"""When a visit was, read from what its station stated. Pure: no database, no clock.

A trusted time stands. An untrusted one is mended by a trusted stamp of the same boot in the same batch,
for two stamps of one boot differ by their monotonic seconds. Where there is none, it lies between its
neighbours and the receipt, and whoever settles it chooses the day in the resident's favour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct

from cloud_sync.ledger.stations.spans import AHEAD
from cloud_sync.wire.facts import Stamp

FURTHEST_BACK = timedelta(days=7)
"""How far before its latest moment a visit of unknown time is looked for."""

Timed = Literal["stated", "mended", "bounded"]
"""As `points.models.Timed` stores it."""


class Written(Struct, frozen=True, gc=False):
    """An event's place in its journal and its stamp."""

    epoch: str
    sequence: int
    stamp: Stamp


class Moment(Struct, frozen=True, gc=False):
    """When something was, UTC: at `latest`, or between the two where that is all that is known."""

    earliest: datetime
    latest: datetime
    timed: Timed


def stated(stamp: Stamp, now: datetime) -> Moment | None:
    """What a trusted stamp says that came at `now`; None for one that is not to be believed."""
    if not stamp.trusted:
        return None
    at = datetime.fromtimestamp(stamp.wall_s, UTC)
    return Moment(at, at, "stated") if at <= now + AHEAD else None


def moments(
    batch: Sequence[Written], now: datetime, before: Mapping[str, datetime] | None = None
) -> list[Moment]:
    """A moment for each event of a batch that came at `now`, in the batch's order.

    `before` names for an epoch a moment that all of its events here follow.
    """
    known = [stated(item.stamp, now) or _mended(item, batch, now) for item in batch]
    if None not in known:
        return [moment for moment in known if moment is not None]
    return [
        moment or _bounded(item, batch, known, now, (before or {}).get(item.epoch))
        for item, moment in zip(batch, known, strict=True)
    ]


def _mended(item: Written, batch: Iterable[Written], now: datetime) -> Moment | None:
    """By the stamp nearest in the journal, and a later one before an earlier one."""
    helps = [
        other
        for other in batch
        if other.stamp.boot == item.stamp.boot and stated(other.stamp, now) is not None
    ]
    if not helps:
        return None
    nearest = min(helps, key=lambda other: _distance(item, other))
    wall_s = nearest.stamp.wall_s - (nearest.stamp.monotonic_s - item.stamp.monotonic_s)
    at = min(now, datetime.fromtimestamp(max(0.0, min(wall_s, now.timestamp())), UTC))
    return Moment(at, at, "mended")


def _distance(item: Written, other: Written) -> tuple[bool, float]:
    apart = other.stamp.monotonic_s - item.stamp.monotonic_s
    return apart < 0, abs(apart)


def _bounded(
    item: Written,
    batch: Sequence[Written],
    known: Sequence[Moment | None],
    now: datetime,
    before: datetime | None,
) -> Moment:
    neighbours = [
        (other.sequence, moment.latest)
        for other, moment in zip(batch, known, strict=True)
        if moment is not None and other.epoch == item.epoch
    ]
    latest = min([now, *(at for sequence, at in neighbours if sequence > item.sequence)])
    earlier = [at for sequence, at in neighbours if sequence < item.sequence]
    earliest = max([*earlier, *([] if before is None else [before])], default=latest)
    return Moment(min(latest, max(earliest, latest - FURTHEST_BACK)), latest, "bounded")
