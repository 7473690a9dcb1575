"""Journals and stations that were copied: one journal under two stations, two Pis under one name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from cloud_sync.ledger.intake import store
from cloud_sync.ledger.intake.parse import Incoming
from cloud_sync.ledger.intake.store import EpochOf, Stand
from cloud_sync.ledger.points.posting import lock
from cloud_sync.ledger.stations import spans
from cloud_sync.ledger.stations.alarms import Cause, raise_for
from cloud_sync.ledger.stations.models import Station
from cloud_sync.ledger.stations.spans import Written, joined, together
from cloud_sync.wire.facts import Stamp


def find_clones(stations: Mapping[int, Station], before: Mapping[EpochOf, Stand]) -> dict[EpochOf, Stand]:
    """Where epochs stand, with those marked that come from two stations.

    Asked when an epoch is first heard of, and under the community's lock, so that of two workers one sees
    what the other has stored.
    """
    marked = dict(before)
    begun = [name for name, stand in before.items() if stand.is_new]
    if not begun:
        return marked
    lock(next(iter(stations.values())).community)
    found = store.clones(begun)
    store.mark_cloned(found)
    for name in found:
        if name in marked:
            marked[name] = replace(marked[name], cloned=True)
    return marked


def tell_clones(new: Sequence[Incoming], before: Mapping[EpochOf, Stand], now: datetime) -> None:
    """Raise an alarm for each station of a journal that was copied and of which something new came."""
    came = {item.identity[:2] for item in new}
    found = store.clones([name for name in came if before[name].cloned])
    if not found:
        return
    rows = Station.objects.select_related("community").filter(pk__in={key for key, _ in found})
    stations = {row.pk: row for row in rows}
    for key, epoch in found:
        others = [str(stations[other]) for other, same in found if same == epoch and other != key]
        detail = f"journal {epoch} came from {stations[key]} and from {', '.join(others)}"
        raise_for(stations[key], Cause.CLONED, detail, now)


def find_twins(
    stations: Mapping[int, Station], before: Mapping[EpochOf, Stand], new: Sequence[Incoming], now: datetime
) -> dict[EpochOf, Written]:
    """By which boot and when what is new was written; an alarm where two of one station wrote at once."""
    stamps: dict[EpochOf, list[Stamp]] = {}
    for item in new:
        if item.event is not None:
            stamps.setdefault(item.identity[:2], []).append(item.event.stamp)
    written = spans.written(stamps, now)
    came = {name: one.span for name, one in written.items() if one.span is not None}
    whole = {name: joined(before[name].span, span) or span for name, span in came.items()}
    here = [
        store.Other(name, other[1], written[other].boot, span)
        for name in whole
        for other, span in whole.items()
        if other[0] == name[0] and other != name
    ]
    for other in (*store.alive_with(whole), *here):
        if together(before[other.name].span, came[other.name], other.span):
            detail = (
                f"boots {written[other.name].boot} and {other.boot} write at the same time "
                f"(journals {other.name[1]} and {other.epoch})"
            )
            raise_for(stations[other.name[0]], Cause.TWO_AT_ONCE, detail, now)
    return written
