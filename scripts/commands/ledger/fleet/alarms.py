"""`tongzhan ledger alarm`: alarms that a person must look at, and what people decide about them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scripts.commands.ledger.common import (
    by_option,
    community_option,
    config_option,
    echo_json,
    json_option,
    open_communities,
    open_community,
    open_town,
    prefixed,
    reason_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cloud_sync.ledger.fleet.models import StationAlarm
    from cloud_sync.ledger.fleet.waiting import Group, Open
    from cloud_sync.ledger.stations.models import Community

LETTER = "s"
"""The number of a station's alarm begins with it, as in s12; the ledger's own alarms have bare numbers."""
until_option = click.option(
    "--until", metavar="HOUR", help="Until when, such as 2026-12-01T18:00, by the community's clock."
)


@click.group("alarm")
def alarm() -> None:
    """List alarms that a person must look at, and close them."""


@alarm.command("list")
@config_option
@community_option
@json_option
def alarm_list(config: Path, community: str | None, *, as_json: bool) -> int:
    """Print open alarms, the latest first; exit 1 if any waits for a person, as a monitor wants it.

    Silent stations are looked for now, so that they are reported even if no worker runs. The number of an
    alarm that a station raised, or that concerns its connection, begins with an s.
    """
    settings, places = open_town(config), open_communities(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.fleet.waiting import open_groups
    from cloud_sync.ledger.office.pending import open_alarms
    from cloud_sync.ledger.office.texts import ALARMS
    from cloud_sync.ledger.stations.watch import watch_stations

    for here in places:
        watch_stations(here, settings.ledger.silent_hours, timezone.now())
    found = open_alarms(places)
    groups = open_groups(places, timezone.now(), of_town=True)
    fields = ("pk", "community", "station", "reason", "detail", "times")
    line = prefixed(places)
    if as_json:
        own = [{f: getattr(row, f) for f in fields} | {"last": row.last_at.isoformat()} for row in found]
        echo_json(own + [_alarm_json(one, group) for group in groups for one in group.alarms])
    else:
        for group in groups:
            slug = group.first.row.community.slug if group.first.row.community else "*"
            for told in _group_lines(group):
                click.echo(line(slug, told))
        for row in found:
            told = f"{row.pk}  {_when(row.last_at)}  {row.station}  {row.reason}  {row.times} times"
            click.echo(line(row.community, told))
            click.echo(f"    {ALARMS[row.reason].what} {ALARMS[row.reason].todo} Last: {row.detail}")
        if not found and not groups:
            click.echo("no alarm is open")
    return 1 if found or any(group.waits for group in groups) else 0


@alarm.command("close")
@config_option
@community_option
@by_option
@click.option("--reason", default="seen to", show_default=True, help="Why; kept of stations' alarms.")
@click.argument("number")
def alarm_close(config: Path, community: str | None, by: str, reason: str, number: str) -> None:
    """Say that an alarm was seen to; if its cause comes again, it opens again."""
    here = open_community(config, community)
    from django.utils import timezone

    if not number.isdecimal():
        from cloud_sync.ledger.fleet.decisions import close

        close(_find_numbered(here, number).pk, by, reason, timezone.now())
        click.echo(f"alarm {number} is closed")
        return

    from cloud_sync.ledger.office.pending import find_alarm
    from cloud_sync.ledger.stations.alarms import close_alarm

    close_alarm(find_alarm(here, int(number)), by, timezone.now())
    click.echo(f"alarm {number} is closed")


@alarm.command("ack")
@config_option
@community_option
@by_option
@reason_option
@until_option
@click.argument("number")
def alarm_ack(
    config: Path, community: str | None, by: str, reason: str, until: str | None, number: str
) -> None:
    """Keep a station's alarm silent until an hour; it stays open, and speaks again if it comes again."""
    here = open_community(config, community)
    from zoneinfo import ZoneInfo

    from django.utils import timezone

    from cloud_sync.ledger.fleet.decisions import acknowledge, read_until

    if until is None:
        raise click.UsageError("Give --until.")
    row, now = _find_numbered(here, number), timezone.now()
    when = read_until(until, ZoneInfo(here.timezone), now)
    acknowledge(row.pk, when, by, reason, now)
    click.echo(f"alarm {number} is silent until {when.isoformat()}")


@alarm.command("maintenance")
@config_option
@community_option
@by_option
@click.option("--reason", help="Why, in one line; not needed with --end.")
@until_option
@click.option("--end", is_flag=True, help="End it before its hour.")
@click.argument("station")
def alarm_maintenance(  # noqa: PLR0913 (one parameter an option)
    config: Path,
    community: str | None,
    by: str,
    reason: str | None,
    until: str | None,
    station: str,
    *,
    end: bool,
) -> None:
    """Silence all alarms of STATION until an hour; what is open then speaks."""
    if end == (until is not None) or (until is None) != (reason is None):
        raise click.UsageError("Give --until and --reason, or --end.")
    here = open_community(config, community)
    from zoneinfo import ZoneInfo

    from django.utils import timezone

    from cloud_sync.ledger.fleet.decisions import begin_maintenance, end_maintenance, read_until
    from cloud_sync.ledger.fleet.status import standing_of

    now = timezone.now()
    row = standing_of(here, station, now).station
    if until is None or reason is None:
        end_maintenance(row, by, now)
        click.echo(f"alarms of {row} speak again")
        return
    when = read_until(until, ZoneInfo(here.timezone), now)
    begin_maintenance(row, when, by, reason, now)
    click.echo(f"alarms of {row} are silent until {when.isoformat()}")


def _find_numbered(community: Community, number: str) -> StationAlarm:
    """Return a station's open alarm of a community or the town; InputError for none."""
    from cloud_sync.ledger.fleet.decisions import LIST, find_open
    from config.errors import InputError

    digits = number.removeprefix(LETTER)
    if digits == number or not digits.isdecimal() or len(digits) > 18:  # noqa: PLR2004 (as the database's integers)
        raise InputError(f"{number!r} is no number of a station's alarm, such as {LETTER}12", LIST)
    try:
        return find_open(community, int(digits))
    except InputError:
        return find_open(None, int(digits))


def _group_lines(group: Group) -> Sequence[str]:
    """Return the lines of a list about a group of alarms."""
    from cloud_sync.ledger.fleet.pages.alarms import fault_mend, fault_title, flood_title

    lines = [f"{_alarm_name(group.first)}  {flood_title(group)}"] if group.is_flood else []
    for one in group.alarms:
        row = one.row
        silent = "" if one.silent_until is None else f"  silent until {_when(one.silent_until)}"
        part = f" {row.part}" if row.part else ""
        detail = f" {row.detail}" if row.detail else ""
        told = f"{LETTER}{row.pk}  {_when(row.last_at)}  {_alarm_name(one)}  {row.fault}{part}{detail}"
        lines += [
            f"{told}  {row.times} times{silent}",
            f"    {fault_title(row.fault)}. {fault_mend(row.fault)}",
        ]
    return lines


def _alarm_name(one: Open) -> str:
    """Return whose alarm it is: a station, or * for a line."""
    return "*" if one.row.station is None else one.row.station.slug


def _alarm_json(one: Open, group: Group) -> dict[str, object]:
    """Return an open alarm for a script."""
    row = one.row
    return {
        "number": f"{LETTER}{row.pk}",
        "community": None if row.community is None else row.community.slug,
        "station": None if row.station is None else row.station.slug,
        "fault": row.fault,
        "part": row.part,
        "detail": row.detail,
        "times": row.times,
        "first": row.first_at.isoformat(),
        "last": row.last_at.isoformat(),
        "acknowledged_by": row.acknowledged_by or None,
        "silent_until": None if one.silent_until is None else one.silent_until.isoformat(),
        "in_maintenance": one.in_maintenance,
        "in_flood": group.is_flood,
    }


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
