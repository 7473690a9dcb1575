"""Finds copies: one journal from two stations, or two devices under one station's name."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import itemgetter

from cloud_sync.ledger.intake import store
from cloud_sync.ledger.intake.parse import Incoming
from cloud_sync.ledger.intake.store import EpochOf, Other, Stand
from cloud_sync.ledger.points.posting import lock
from cloud_sync.ledger.stations import spans
from cloud_sync.ledger.stations.alarms import Cause, raise_counted
from cloud_sync.ledger.stations.models import Community, Station
from cloud_sync.ledger.stations.spans import Span, WrittenSpan, between, joined, together
from cloud_sync.wire.facts import Stamp


def find_clones(stations: Mapping[int, Station], before: Mapping[EpochOf, Stand]) -> dict[EpochOf, Stand]:
    """Return the stands of epochs, with those marked that came from two stations of the community.

    Other communities' rows are left alone: each settles under its own lock, and a card's hash means nothing
    elsewhere. Runs when an epoch is new, under the community's lock, so that one of two workers sees what
    the other has stored.
    """
    marked = dict(before)
    begun = [name for name, stand in before.items() if stand.is_new]
    if not begun:
        return marked
    community = next(iter(stations.values())).community
    lock(community)
    found = store.clones(community.pk, begun)
    store.mark_cloned(found)
    for name in found:
        if name in marked:
            marked[name] = replace(marked[name], cloned=True)
    return marked


def tell_clones(
    community: Community, new: Sequence[Incoming], before: Mapping[EpochOf, Stand], now: datetime
) -> None:
    """Raise an alarm for each station of a copied journal that has new events."""
    came = {item.identity[:2] for item in new}
    found = store.clones(community.pk, [name for name in came if before[name].cloned])
    if not found:
        return
    rows = Station.objects.select_related("community").filter(pk__in={key for key, _ in found})
    stations = {row.pk: row for row in rows}
    holders: dict[str, list[Station]] = {}
    for key, epoch in found:
        holders.setdefault(epoch, []).append(stations[key])
    found_twice = [
        (one.pk, f"journal {epoch} came from {one} and from {_others(one, some)}")
        for epoch, some in holders.items()
        for one in some
    ]
    raise_counted(stations, Cause.CLONED, found_twice, now)


def _others(one: Station, some: Sequence[Station]) -> str:
    return ", ".join(str(other) for other in some if other is not one)


def find_twins(
    stations: Mapping[int, Station], before: Mapping[EpochOf, Stand], new: Sequence[Incoming], now: datetime
) -> dict[EpochOf, WrittenSpan]:
    """Return when and by which boot new events were written; raise an alarm for simultaneous writers."""
    stamps: dict[EpochOf, list[Stamp]] = {}
    for item in new:
        if item.event is not None:
            stamps.setdefault(item.identity[:2], []).append(item.event.stamp)
    written = spans.written(stamps, now)
    came = {name: one.span for name, one in written.items() if one.span is not None}
    whole = {name: joined(before[name].span, span) or span for name, span in came.items()}
    wanted = {name: between(before[name].span, span) for name, span in came.items()}
    found_twice = [
        (other.name[0], _twins(written[other.name].boot, other))
        for other in (*store.alive_with(wanted), *_alive_here(wanted, whole, written))
        if together(before[other.name].span, came[other.name], other.span)
    ]
    raise_counted(stations, Cause.TWO_AT_ONCE, found_twice, now)
    return written


def _twins(boot: str, other: Other) -> str:
    return (
        f"boots {boot} and {other.boot} write at the same time (journals {other.name[1]} and {other.epoch})"
    )


def _alive_here(
    wanted: Mapping[EpochOf, Span], whole: Mapping[EpochOf, Span], written: Mapping[EpochOf, WrittenSpan]
) -> Iterator[Other]:
    """Do what `store.alive_with` does, for the epochs of this batch."""
    by_end: dict[int, list[tuple[datetime, str]]] = {}
    for (station, epoch), span in whole.items():
        by_end.setdefault(station, []).append((span.last, epoch))
    for ends in by_end.values():
        ends.sort()
    for name, bounds in wanted.items():
        ends = by_end[name[0]]
        first = bisect_right(ends, bounds.first, key=itemgetter(0))
        for _, epoch in ends[first : first + store.MAX_OTHERS]:
            other = whole[name[0], epoch]
            if epoch != name[1] and other.first < bounds.last:
                yield Other(name, epoch, written[name[0], epoch].boot, other)
