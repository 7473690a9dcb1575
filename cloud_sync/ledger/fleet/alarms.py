"""Alarms of stations, raised and cleared by their signed events, and those that the ledger raises itself.

An older fact never changes what a newer one said (`order.is_later`). A new epoch is a restart of the
station's program, which raises again what still holds: so it clears what was raised before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from django.db import transaction

from cloud_sync.ledger.fleet.models import AlarmChange, ChangeKind, StationAlarm
from cloud_sync.ledger.fleet.order import Written, is_later
from cloud_sync.ledger.stations.models import Community, Station
from cloud_sync.wire.facts import AlarmFacts, Event, Stamp

MOST = 200
"""Alarms of one station; beyond that they share one row."""
OTHERS = "other_faults"
"""The fault of that row."""
MOST_CHANGES = 20
"""Lines of history that one batch adds to one alarm; its count has all."""


class By(StrEnum):
    """Who changed an alarm, if no person did; officers' names have no colon."""

    STATION = "station:"
    RESTART = "restart:"
    """The station's program started again and did not raise it."""
    LEDGER = "ledger:"


class LedgerFault(StrEnum):
    """Faults that the ledger itself raises of silent stations."""

    OFFLINE = "offline"
    LINE_CUT = "line_cut"
    """Most stations of a community fell silent together."""
    TOWN_CUT = "town_cut"
    """Many stations of several communities fell silent together."""
    BROKER_AWAY = "broker_away"
    """The ledger itself has no connection to the broker."""


@dataclass(slots=True)
class _Change:
    """Alarms as they are being changed, and the lines that their history gets."""

    rows: dict[str, StationAlarm]
    counts: dict[int, int]
    """How many alarms each station has."""
    lines: dict[str, deque[AlarmChange]] = field(default_factory=dict)

    def note(self, row: StationAlarm, kind: ChangeKind, by: str, at: datetime) -> None:
        lines = self.lines.setdefault(row.key, deque(maxlen=MOST_CHANGES))
        lines.append(AlarmChange(alarm=row, at=at, kind=kind, by=by))

    def write(self) -> None:
        """Write the rows that changed, then their history."""
        changed = [self.rows[key] for key in sorted(self.lines)]
        fresh = [row for row in changed if row._state.adding]  # noqa: SLF001 (Django's documented name)
        StationAlarm.objects.bulk_update([row for row in changed if row not in fresh], _CHANGING)
        StationAlarm.objects.bulk_create(fresh)
        for key, lines in self.lines.items():
            for line in lines:
                line.alarm = self.rows[key]
        AlarmChange.objects.bulk_create([line for lines in self.lines.values() for line in lines])


_CHANGING = [
    "raised",
    "detail",
    "times",
    "last_at",
    "cleared_at",
    "cleared_by",
    "epoch",
    "sequence",
    "boot",
    "monotonic_s",
    "wall_s",
    "acknowledged_by",
    "acknowledged_until",
]


def note_alarms(
    stations: Mapping[int, Station],
    events: Collection[tuple[int, Event]],
    begun: Collection[tuple[int, str]],
    now: datetime,
) -> None:
    """Apply new events of these stations, in order of arrival; `begun` are epochs heard for the first time.

    Call it within a transaction that holds the stations' locks.
    """
    facts = [(key, event, event.facts) for key, event in events if isinstance(event.facts, AlarmFacts)]
    touched = {key for key, *_ in facts} | {key for key, _ in begun}
    if not touched:
        return
    rows = {row.key: row for row in StationAlarm.objects.filter(station__in=touched)}
    counts = dict.fromkeys(touched, 0)
    for row in rows.values():
        counts[row.station_id or 0] += 1
    change = _Change(rows, counts)
    for name in begun:
        _clear_before(change, name, events, now)
    for key, event, stated in facts:
        _apply(change, stations[key], event, stated, now)
    change.write()


def _clear_before(
    change: _Change, begun: tuple[int, str], events: Iterable[tuple[int, Event]], now: datetime
) -> None:
    """Clear what a station raised before the first event of a new epoch."""
    first = next((event for key, event in events if (key, event.epoch) == begun), None)
    if first is None:
        return
    fact = _written(first)
    for row in change.rows.values():
        is_before = row.epoch not in {"", begun[1]} and is_later(fact, _known(row))
        if row.station_id == begun[0] and row.raised and is_before:
            _clear(change, row, By.RESTART, _moment(first.stamp, now))


def _apply(change: _Change, station: Station, event: Event, facts: AlarmFacts, now: datetime) -> None:
    fault, part = facts.fault, facts.part
    key = _key(station.community.slug, station.slug, fault, part)
    if key not in change.rows and change.counts[station.pk] >= MOST:
        fault, part = OTHERS, ""
        key = _key(station.community.slug, station.slug, fault, part)
    row, fact, at = change.rows.get(key), _written(event), _moment(event.stamp, now)
    if row is None:
        if not facts.raised:
            return  # it began before this ledger listened
        row = _new_row(key, station.community, station, fault, part, at)
        change.rows[key] = row
        change.counts[station.pk] += 1
    elif row.epoch and not is_later(fact, _known(row)):
        return
    row.epoch, row.sequence, row.boot, row.monotonic_s, row.wall_s = fact
    if facts.raised:
        _open(change, row, By.STATION, at)
    elif row.raised:
        _clear(change, row, By.STATION, at)


def _new_row(
    key: str, community: Community | None, station: Station | None, fault: str, part: str, at: datetime
) -> StationAlarm:
    return StationAlarm(
        key=key,
        community=community,
        station=station,
        fault=fault,
        part=part,
        raised=True,
        first_at=at,
        last_at=at,
    )


def _key(community: str, station: str, fault: str, part: str) -> str:
    return f"{community}/{station}/{fault}/{part}"


def _written(event: Event) -> Written:
    stamp = event.stamp
    wall_s = stamp.wall_s if stamp.trusted else None
    return Written(event.epoch, event.sequence, stamp.boot, stamp.monotonic_s, wall_s)


def _known(row: StationAlarm) -> Written:
    return Written(row.epoch, row.sequence, row.boot, row.monotonic_s, row.wall_s)


def _moment(stamp: Stamp, now: datetime) -> datetime:
    """Return when a fact was written, as far as it can be believed."""
    return datetime.fromtimestamp(min(stamp.wall_s, now.timestamp()), UTC) if stamp.trusted else now


def _open(change: _Change, row: StationAlarm, by: str, at: datetime) -> None:
    """Open an alarm, or count it if it is open; its acknowledgement was of what was there before."""
    row.raised, row.last_at = True, at
    row.times += 1
    row.cleared_at, row.cleared_by = None, ""
    row.acknowledged_by, row.acknowledged_until = "", None
    change.note(row, ChangeKind.RAISED, by, at)


def _clear(
    change: _Change, row: StationAlarm, by: str, at: datetime, kind: ChangeKind = ChangeKind.CLEARED
) -> None:
    row.raised, row.cleared_at, row.cleared_by = False, at, by
    change.note(row, kind, by, at)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An alarm that the ledger itself raises now."""

    community: Community | None
    station: Station | None
    fault: LedgerFault
    detail: str

    @property
    def key(self) -> str:
        """The alarm's key."""
        community = "*" if self.community is None else self.community.slug
        return _key(community, "*" if self.station is None else self.station.slug, self.fault, "")


@transaction.atomic
def set_ledger_alarms(wanted: Collection[Wanted], faults: Collection[LedgerFault], now: datetime) -> None:
    """Open what is wanted and clear all other alarms of these faults; repeating it changes nothing."""
    found = {row.key: row for row in StationAlarm.objects.select_for_update().filter(fault__in=faults)}
    change = _Change(found, {})
    for one in wanted:
        row = found.get(one.key)
        if row is None:
            row = found[one.key] = _new_row(one.key, one.community, one.station, one.fault, "", now)
        elif row.raised:
            continue
        row.detail = one.detail
        _open(change, row, By.LEDGER, now)
    keys = {one.key for one in wanted}
    for row in list(found.values()):
        if row.raised and row.key not in keys:
            _clear(change, row, By.LEDGER, now)
    change.write()
