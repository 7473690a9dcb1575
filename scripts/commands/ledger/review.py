"""`tongzhan ledger aside · held · alarm`: list what waits for a person, and decide on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloud_sync.rules.award_rules import HeldBy
from scripts.commands.ledger.common import (
    by_option,
    config_option,
    echo_json,
    json_option,
    open_community,
    open_ledger,
    reason_option,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cloud_sync.ledger.office.pending import Held
    from cloud_sync.ledger.points.models import VisitSettlement
    from cloud_sync.ledger.stations.models import Community

OF_A_STATION = [
    reason.value for reason in (HeldBy.CLONED, HeldBy.BACKDATED, HeldBy.MINT_LIMIT, HeldBy.LEDGER_CLOCK)
]
"""Reasons that concern a station, and so many visits at once."""
SET_ASIDE = ["conflict", "malformed", "too_large", "unknown_rules", "stray"]
"""Reasons for which something is set aside; not imported, for --help would then load all of Django."""


@click.group("aside")
def aside() -> None:
    """List, apply and dismiss what the ledger set aside because it could not apply it."""


@aside.command("list")
@config_option
@json_option
def aside_list(config: Path, *, as_json: bool) -> None:
    """Print what was set aside, latest first, with the reasons."""
    community = open_community(config)
    from cloud_sync.ledger.office.pending import set_aside
    from cloud_sync.ledger.office.texts import ASIDE

    found = set_aside(community)
    if as_json:
        fields = ("number", "station", "name", "reason")
        echo_json([{f: getattr(row, f) for f in fields} | {"came": row.came.isoformat()} for row in found])
        return
    for row in found:
        click.echo(f"{row.number}  {_when(row.came)}  {row.station}  {row.name or '-'}  {row.reason}")
        click.echo(f"    {ASIDE[row.reason].what} {ASIDE[row.reason].todo}")
    if not found:
        click.echo("nothing is set aside")


@aside.command("show")
@config_option
@click.option("--first", is_flag=True, help="Of a conflict: the event that came first, and counts.")
@click.argument("number")
def aside_show(config: Path, number: str, *, first: bool) -> None:
    """Print the received bytes as text."""
    community = open_community(config)
    from cloud_sync.ledger.office.pending import find_aside, first_of
    from cloud_sync.ledger.stations.models import Conflict
    from config.errors import InputError

    row = find_aside(community, number)
    if first:
        if not isinstance(row, Conflict):
            raise InputError(f"{number} contradicts no other event", "leave --first out")
        row = first_of(row)
    click.echo(bytes(row.body).decode("utf-8", "backslashreplace"))


@aside.command("apply")
@config_option
@click.option("--all", "every", is_flag=True, help="Try everything that is set aside.")
@click.argument("numbers", nargs=-1)
def aside_apply(config: Path, numbers: tuple[str, ...], *, every: bool) -> int:
    """Apply events that can be applied now: after new rules, or with a newer ledger. Each counts once.

    With --all, events that still cannot be applied stay and are named, and the exit status is 1.
    """
    if every == bool(numbers):
        raise click.UsageError("Name what to apply, or give --all.")
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.office.pending import set_aside
    from cloud_sync.ledger.office.quarantine import apply_aside
    from config.errors import InputError

    failed = 0
    for number in numbers or [row.number for row in set_aside(community)]:
        try:
            apply_aside(community, number, timezone.now())
        except InputError as why:
            if not every:
                raise
            failed += 1
            click.echo(f"{number}: {why}", err=True)
        else:
            click.echo(f"{number} is applied")
    return 1 if failed else 0


@aside.command("dismiss")
@config_option
@by_option
@reason_option
@click.option("--because", type=click.Choice(SET_ASIDE), help="All that was set aside for this.")
@click.option("--station", metavar="SLUG", help="All of this station, with --because.")
@click.argument("numbers", nargs=-1)
def aside_dismiss(
    config: Path, by: str, reason: str, numbers: tuple[str, ...], station: str | None, because: str | None
) -> None:
    """Take off the list what was looked at and needs nothing; of a conflict, say that the first stays.

    It stays stored as evidence, and its station no longer shows it as a fault. To undo it: aside reopen.
    """
    if bool(numbers) == (station is not None) or (station is None) != (because is None):
        raise click.UsageError("Name what to dismiss by its NUMBER, or give --station and --because.")
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.office.pending import find_all_aside
    from cloud_sync.ledger.office.quarantine import dismiss

    for number in numbers or find_all_aside(community, station or "", because or ""):
        dismiss(community, number, by, reason, timezone.now())
        click.echo(f"{number} is off the list")


@aside.command("reopen")
@config_option
@by_option
@click.argument("number")
def aside_reopen(config: Path, by: str, number: str) -> None:
    """Put on the list again what was dismissed; its station shows it as a fault again."""
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.office.quarantine import show_again

    show_again(community, number, by, timezone.now())
    click.echo(f"{number} is on the list again")


@click.group("held")
def held() -> None:
    """List points that wait, and release or refuse them."""


@held.command("list")
@config_option
@json_option
def held_list(config: Path, *, as_json: bool) -> None:
    """Print visits whose points wait, longest first, with the reasons."""
    community = open_community(config)
    from cloud_sync.ledger.office.pending import held as waiting
    from cloud_sync.ledger.office.texts import HELD

    found = waiting(community)
    if as_json:
        echo_json([_held_json(row) for row in found])
        return
    for row in found:
        whose = f"household {row.household}" if row.household else f"card {row.card}"
        click.echo(f"{row.number}  since {_when(row.since)}  {row.station}  {whose}  {row.points} points")
        click.echo(f"    {HELD[row.reason].what} {HELD[row.reason].todo}")
    if not found:
        click.echo("no points wait")


def _chosen(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command name one visit, or all visits of a station that wait for one reason."""
    command = click.option(
        "--because", type=click.Choice(OF_A_STATION), help="All visits that wait for this reason."
    )(command)
    command = click.option(
        "--station", metavar="SLUG", help="All visits of this station; use with --because."
    )(command)
    return click.argument("number", type=int, required=False)(command)


def _visits(
    community: Community, number: int | None, station: str | None, because: str | None
) -> list[VisitSettlement]:
    from cloud_sync.ledger.office.pending import find_held, held_at

    if number is not None and station is None and because is None:
        return [find_held(community, number)]
    if number is None and station is not None and because is not None:
        return held_at(community, station, because)
    raise click.UsageError("Name a visit by its NUMBER, or give --station and --because.")


@held.command("release")
@config_option
@by_option
@reason_option
@_chosen
def held_release(
    config: Path, by: str, reason: str, number: int | None, station: str | None, because: str | None
) -> None:
    """Give residents the held points of one visit, or of a station's visits that wait for one reason."""
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.points.held import release

    for visit in _visits(community, number, station, because):
        given = release(visit, by, reason, timezone.now())
        visit.refresh_from_db()
        waits = "; now waits for its card" if visit.held_by == HeldBy.UNKNOWN_CARD else ""
        click.echo(f"visit {visit.pk}: {given} points given{waits}")


@held.command("refuse")
@config_option
@by_option
@reason_option
@_chosen
def held_refuse(
    config: Path, by: str, reason: str, number: int | None, station: str | None, because: str | None
) -> None:
    """Withhold the held points of one visit, or of a station's visits that wait for one reason."""
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.points.held import refuse

    for visit in _visits(community, number, station, because):
        click.echo(f"visit {visit.pk}: {refuse(visit, by, reason, timezone.now())} points withheld")


@held.command("expire")
@config_option
def held_expire(config: Path) -> None:
    """End every wait that has reached its limit; a worker does this by itself.

    Nothing ends while this machine's clock is far from the stations' clocks.
    """
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.points.clock import look_at_clock
    from cloud_sync.ledger.points.held import expire
    from config.errors import InputError

    now = timezone.now()
    if doubt := look_at_clock(community, now):
        raise InputError(str(doubt), "set the clock, or wait for a station's next event")
    ended = expire(community, now)
    click.echo(f"{ended.given} points given to residents, {ended.returned} returned")


@click.group("alarm")
def alarm() -> None:
    """List alarms that a person must look at, and close them."""


@alarm.command("list")
@config_option
@json_option
def alarm_list(config: Path, *, as_json: bool) -> int:
    """Print open alarms, latest first; exit 1 if there are any, for use by a monitor.

    Silent stations are looked for now, so that they are reported even if no worker runs.
    """
    settings = open_ledger(config)
    from django.utils import timezone

    from cloud_sync.ledger.db.database import check
    from cloud_sync.ledger.office.pending import open_alarms
    from cloud_sync.ledger.office.texts import ALARMS
    from cloud_sync.ledger.stations.watch import watch_stations

    community = check(settings)
    watch_stations(community, settings.ledger.silent_hours, timezone.now())

    found = open_alarms(community)
    fields = ("pk", "station", "reason", "detail", "times")
    if as_json:
        echo_json([{f: getattr(row, f) for f in fields} | {"last": row.last_at.isoformat()} for row in found])
    else:
        for row in found:
            click.echo(f"{row.pk}  {_when(row.last_at)}  {row.station}  {row.reason}  {row.times} times")
            click.echo(f"    {ALARMS[row.reason].what} {ALARMS[row.reason].todo} Last: {row.detail}")
        if not found:
            click.echo("no alarm is open")
    return 1 if found else 0


@alarm.command("close")
@config_option
@by_option
@click.argument("number", type=int)
def alarm_close(config: Path, by: str, number: int) -> None:
    """Close an alarm that was dealt with; if its cause comes back, a new alarm opens."""
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.office.pending import find_alarm
    from cloud_sync.ledger.stations.alarms import close_alarm

    close_alarm(find_alarm(community, number), by, timezone.now())
    click.echo(f"alarm {number} is closed")


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _held_json(row: Held) -> dict[str, object]:
    return {
        "number": row.number,
        "station": row.station,
        "household": row.household,
        "card": row.card,
        "points": row.points,
        "reason": row.reason,
        "since": row.since.isoformat(),
        "until": row.until.isoformat() if row.until else None,
    }
