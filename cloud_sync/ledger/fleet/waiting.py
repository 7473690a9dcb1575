"""Which alarms wait for a person: open, not acknowledged, not of a station in maintenance; many grouped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from cloud_sync.ledger.fleet.models import AlarmChange, ChangeKind, Maintenance, StationAlarm
from cloud_sync.ledger.stations.models import Community

FLOOD, WITHIN = 10, timedelta(minutes=10)
"""More alarms than this within this time are shown as one group."""
LOOK_BACK = timedelta(hours=1)
"""A group stays one for so long after its flood."""
SHOWN = 500
"""Open alarms that a list reads."""
RAISES = 5000
"""Latest raises that are looked at for floods."""


@dataclass(frozen=True, slots=True)
class Open:
    """An open alarm, and why it is silent if it is."""

    row: StationAlarm
    silent_until: datetime | None
    """When it speaks again; None while it waits for a person."""
    in_maintenance: bool = False

    @property
    def waits(self) -> bool:
        """Whether a person should look at it."""
        return self.silent_until is None


@dataclass(frozen=True, slots=True)
class Group:
    """Open alarms that are shown as one: a single alarm, or a flood of one station."""

    alarms: tuple[Open, ...]

    @property
    def is_flood(self) -> bool:
        """Whether these are many of one station."""
        return len(self.alarms) > 1

    @property
    def first(self) -> Open:
        """The latest of them."""
        return self.alarms[0]

    @property
    def waits(self) -> bool:
        """Whether a person should look at any."""
        return any(one.waits for one in self.alarms)


def open_groups(communities: Collection[Community], now: datetime, *, of_town: bool) -> list[Group]:
    """Return the open alarms of these communities in groups, what waits first, then the latest.

    `of_town`: also those of the whole town.
    """
    here = Q(community__in=communities)
    rows = StationAlarm.objects.filter(here | Q(community=None) if of_town else here, raised=True)
    found = list(rows.select_related("station__community", "community").order_by("-last_at", "-pk")[:SHOWN])
    until = maintained({row.station_id for row in found if row.station_id}, now)
    floods = flooding({row.station_id for row in found if row.station_id}, now)
    groups: dict[int, list[Open]] = {}
    for row in found:
        flood = row.station_id if row.station_id in floods else None
        groups.setdefault(-row.pk if flood is None else flood, []).append(_silenced(row, until, now))
    made = [Group(tuple(alarms)) for alarms in groups.values()]
    return sorted(made, key=lambda group: not group.waits)


def open_after(community: Community, after: int, most: int, now: datetime) -> list[Open]:
    """Return at most so many open alarms of a community by number, those after one."""
    rows = StationAlarm.objects.filter(community=community, raised=True, pk__gt=after)
    found = list(rows.select_related("station", "community").order_by("pk")[:most])
    until = maintained({row.station_id for row in found if row.station_id}, now)
    return [_silenced(row, until, now) for row in found]


def _silenced(row: StationAlarm, maintained_until: dict[int, datetime], now: datetime) -> Open:
    acknowledged = row.acknowledged_until if row.acknowledged_until and row.acknowledged_until > now else None
    maintenance = maintained_until.get(row.station_id or 0)
    if maintenance is None:
        return Open(row, acknowledged)
    return Open(row, max(maintenance, acknowledged or maintenance), in_maintenance=True)


def maintained(stations: Collection[int], now: datetime) -> dict[int, datetime]:
    """Return until when each of these stations is in maintenance; others are left out."""
    rows = Maintenance.objects.filter(station__in=stations, ended_at=None, until__gt=now)
    return dict(rows.values_list("station", "until"))


def flooding(stations: Collection[int], now: datetime) -> set[int]:
    """Return which of these stations raised more than FLOOD alarms WITHIN some time of the last hour."""
    raises = AlarmChange.objects.filter(
        kind=ChangeKind.RAISED, at__gt=now - LOOK_BACK, alarm__station__in=stations
    )
    times: dict[int, list[datetime]] = defaultdict(list)
    for station, at in raises.order_by("-at").values_list("alarm__station", "at")[:RAISES]:
        times[station].append(at)
    return {station for station, found in times.items() if is_flood(found)}


def is_flood(latest_first: Sequence[datetime]) -> bool:
    """Say whether more than FLOOD of these moments lie WITHIN some span of time."""
    return any(
        later - earlier <= WITHIN for later, earlier in zip(latest_first, latest_first[FLOOD:], strict=False)
    )
