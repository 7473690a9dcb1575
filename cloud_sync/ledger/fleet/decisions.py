"""What people decide: acknowledge an alarm for a time, close one, silence a station in maintenance."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from cloud_sync.ledger.audit.write import write
from cloud_sync.ledger.fleet.models import AlarmChange, ChangeKind, Maintenance, StationAlarm
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.decisions import said
from cloud_sync.ledger.stations.models import Community, Station
from config.errors import InputError

LONGEST = timedelta(days=30)
"""An acknowledgement or a maintenance ends by then at the latest."""
LIST = "see: tongzhan ledger alarm list --config F"
LONGEST_TEXT = 32


@transaction.atomic
def acknowledge(number: int, until: datetime, by: str, reason: str, now: datetime) -> None:
    """Keep an open alarm silent until a moment.

    InputError for one that is not open, without who and why, and for a moment out of bounds.
    """
    by, reason = said(by, reason)
    check_until(until, now)
    row = _open_alarm(number)
    deed, kind = Deed.ACKNOWLEDGE_ALARM, ChangeKind.ACKNOWLEDGED
    values = {"acknowledged_by": by, "acknowledged_until": until}
    write(row, deed, by=by, reason=reason, now=now, **values)
    change = AlarmChange(alarm=row, at=now, kind=kind, by=by, until=until, reason=reason)
    write(change, deed, by=by, reason=reason, now=now)


@transaction.atomic
def close(number: int, by: str, reason: str, now: datetime) -> None:
    """Close an open alarm; it opens again if it is raised again. InputError as for `acknowledge`."""
    by, reason = said(by, reason)
    row = _open_alarm(number)
    values = {"raised": False, "cleared_at": now, "cleared_by": by}
    write(row, Deed.CLOSE_ALARM, by=by, reason=reason, now=now, **values)
    change = AlarmChange(alarm=row, at=now, kind=ChangeKind.CLOSED, by=by, reason=reason)
    write(change, Deed.CLOSE_ALARM, by=by, reason=reason, now=now)


def _open_alarm(number: int) -> StationAlarm:
    row = StationAlarm.objects.select_for_update(of=("self",)).filter(pk=number, raised=True).first()
    if row is None:
        raise InputError(f"no open alarm s{number}", LIST)
    return row


@transaction.atomic
def begin_maintenance(station: Station, until: datetime, by: str, reason: str, now: datetime) -> None:
    """Silence a station's alarms until a moment. InputError as for `acknowledge`."""
    by, reason = said(by, reason)
    check_until(until, now)
    Station.objects.select_for_update().get(pk=station.pk)
    for earlier in Maintenance.objects.filter(station=station, ended_at=None):
        write(earlier, Deed.ACKNOWLEDGE_ALARM, by=by, reason=reason, now=now, ended_at=now, ended_by=by)
    row = Maintenance(station=station, since=now, until=until, by=by, reason=reason)
    write(row, Deed.ACKNOWLEDGE_ALARM, by=by, reason=reason, now=now)


@transaction.atomic
def end_maintenance(station: Station, by: str, now: datetime) -> None:
    """Let a station's alarms speak again; InputError if they do."""
    by, _ = said(by, "-")
    rows = Maintenance.objects.filter(station=station, ended_at=None, until__gt=now)
    if (row := rows.select_for_update().first()) is None:
        raise InputError(f"station {station} is not in maintenance", "nothing was changed")
    write(row, Deed.ACKNOWLEDGE_ALARM, by=by, now=now, ended_at=now, ended_by=by)


def check_until(until: datetime, now: datetime) -> None:
    """Raise InputError unless a moment is in the future and within LONGEST."""
    if not now < until <= now + LONGEST:
        raise InputError(
            f"{until:%Y-%m-%d %H:%M} is not within the next {LONGEST.days} days", "name a nearer hour"
        )


def find_open(community: Community | None, number: int) -> StationAlarm:
    """Return the open alarm of this number in a community, or for None in the town; InputError for none."""
    rows = StationAlarm.objects.filter(pk=number, community=community, raised=True)
    if (row := rows.select_related("station", "community").first()) is None:
        raise InputError(f"no open alarm s{number}", LIST)
    return row


def read_until(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """Read an hour such as 2026-12-01 18:00, in the given time zone and within bounds; or InputError."""
    try:
        until = datetime.fromisoformat(text.strip()[:LONGEST_TEXT])
    except ValueError:
        raise InputError(f"{text[:LONGEST_TEXT]!r} is not an hour", "write it as 2026-12-01T18:00") from None
    if until.tzinfo is None:
        until = until.replace(tzinfo=zone)
    check_until(until, now)
    return until
