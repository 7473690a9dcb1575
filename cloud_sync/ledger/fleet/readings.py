"""Readings of stations: one for ten minutes is kept a week, one an hour 90 days, one a day a year."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from cloud_sync.ledger.db import sql
from cloud_sync.ledger.fleet.models import Grain, Reading
from cloud_sync.wire.station_state import StationState, SupplyReading, TemperatureReading

SLOT_S = 600
KEPT: Mapping[Grain, timedelta] = {
    Grain.TEN: timedelta(days=7),
    Grain.HOUR: timedelta(days=90),
    Grain.DAY: timedelta(days=366),
}
THIN_S = 600.0
AT_ONCE = 5000
"""Readings that one call removes of each grain at most."""
READINGS = sql.Table(
    "fleet_reading",
    {
        "station_id": "bigint",
        "slot": "bigint",
        "grain": "text",
        "outbox": "bigint",
        "hottest_c": "double precision",
        "lowest_v": "double precision",
        "skew_s": "double precision",
        '"full"': "text",
        "model": "text",
        "versions": "text",
    },
    conflict="ON CONFLICT (station_id, slot) DO NOTHING",
)


def slot_of(at: datetime) -> int:
    """Return the slot of ten minutes that a moment lies in."""
    return int(at.timestamp()) // SLOT_S


def grain_of(at: datetime, before: datetime | None) -> Grain | None:
    """Return the grain of a reading now, after the one kept at `before`; None if the slot has one."""
    if before is None or before.astimezone(UTC).date() < at.astimezone(UTC).date():
        return Grain.DAY
    if int(before.timestamp()) // 3600 < int(at.timestamp()) // 3600:
        return Grain.HOUR
    return Grain.TEN if slot_of(before) < slot_of(at) else None


def row_of(station: int, state: StationState, skew_s: float | None, at: datetime, grain: Grain) -> sql.Row:
    """Return the row of READINGS for what a station said."""
    temperatures = [one.value for one in state.readings if isinstance(one, TemperatureReading)]
    supplies = [one.value for one in state.readings if isinstance(one, SupplyReading)]
    return (
        station,
        slot_of(at),
        grain.value,
        state.outbox,
        max(temperatures, default=None),
        min(supplies, default=None),
        skew_s,
        " ".join(bin_.id for bin_ in state.bins if bin_.full),
        state.model or "",
        msgspec.json.encode(state.versions, order="sorted").decode() if state.versions else "",
    )


class Thinning:
    """Removes old readings at intervals; a worker's loop calls `turn`."""

    def __init__(self, now: Callable[[], datetime], ran_s: Callable[[], float]) -> None:
        """`now` is the calendar, `ran_s` the monotonic clock."""
        self._now, self._ran_s = now, ran_s
        self._due_s = 0.0

    def turn(self) -> None:
        """Remove a bounded number of old readings every THIN_S, and again at once while there are more."""
        if self._ran_s() >= self._due_s:
            removed = thin_out(self._now())
            self._due_s = self._ran_s() + (0.0 if removed >= AT_ONCE else THIN_S)


def thin_out(now: datetime) -> int:
    """Remove readings that are older than their grain is kept; return how many. Call it again and again."""
    removed = 0
    for grain, kept in KEPT.items():
        old = Reading.objects.filter(grain=grain, slot__lt=slot_of(now - kept))
        removed += Reading.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:AT_ONCE])).delete()[0]
    return removed
