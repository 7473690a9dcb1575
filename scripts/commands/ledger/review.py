"""`tongzhan ledger aside · held`: list what waits for a person, and decide on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloud_sync.rules.award_rules import HeldBy
from scripts.commands.ledger.common import (
    by_option,
    community_option,
    config_option,
    echo_json,
    json_option,
    open_communities,
    open_community,
    prefixed,
    reason_option,
)

if TYPE_CHECKING:
    from cloud_sync.ledger.office.pending import Held, Quarantined
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
@community_option
@json_option
def aside_list(config: Path, community: str | None, *, as_json: bool) -> None:
    """Print what was set aside, the latest first, each with its reason."""
    places = open_communities(config, community)
    from cloud_sync.ledger.office.pending import set_aside
    from cloud_sync.ledger.office.texts import ASIDE

    found = set_aside(places)
    if as_json:
        echo_json([_aside_json(row) for row in found])
        return
    line = prefixed(places)
    for row in found:
        told = f"{row.number}  {_when(row.came)}  {row.station}  {row.name or '-'}  {row.reason}"
        click.echo(line(row.community.slug, told))
        click.echo(f"    {ASIDE[row.reason].what} {ASIDE[row.reason].todo}")
    if not found:
        click.echo("nothing is set aside")


@aside.command("show")
@config_option
@community_option
@click.option("--first", is_flag=True, help="Of a conflict: the event that came first, and counts.")
@click.argument("number")
def aside_show(config: Path, community: str | None, number: str, *, first: bool) -> None:
    """Print the received bytes as text."""
    here = open_community(config, community)
    from cloud_sync.ledger.office.pending import find_aside, first_of
    from cloud_sync.ledger.stations.models import Conflict
    from config.errors import InputError

    row = find_aside(here, number)
    if first:
        if not isinstance(row, Conflict):
            raise InputError(f"{number} contradicts no other event", "leave --first out")
        row = first_of(row)
    click.echo(bytes(row.body).decode("utf-8", "backslashreplace"))


@aside.command("apply")
@config_option
@community_option
@click.option("--all", "every", is_flag=True, help="Try everything that is set aside.")
@click.argument("numbers", nargs=-1)
def aside_apply(config: Path, community: str | None, numbers: tuple[str, ...], *, every: bool) -> int:
    """Apply events now that they can be: after new rules, or with a newer ledger. Each counts once.

    With --all, events that still cannot be applied stay and are named, and the exit status is 1.
    """
    if every == bool(numbers):
        raise click.UsageError("Name what to apply, or give --all.")
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.office.pending import set_aside
    from cloud_sync.ledger.office.quarantine import apply_aside
    from config.errors import InputError

    failed = 0
    for number in numbers or [row.number for row in set_aside([here])]:
        try:
            apply_aside(here, number, timezone.now())
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
@community_option
@by_option
@reason_option
@click.option("--because", type=click.Choice(SET_ASIDE), help="All that was set aside for this.")
@click.option("--station", metavar="SLUG", help="All of this station, with --because.")
@click.argument("numbers", nargs=-1)
def aside_dismiss(  # noqa: PLR0913, PLR0917 (one parameter an option)
    config: Path,
    community: str | None,
    by: str,
    reason: str,
    numbers: tuple[str, ...],
    station: str | None,
    because: str | None,
) -> None:
    """Take off the list what was looked at and needs nothing; of a conflict, say that the first stays.

    It stays stored as evidence, and its station no longer shows it as a fault. To undo it: aside reopen.
    """
    if bool(numbers) == (station is not None) or (station is None) != (because is None):
        raise click.UsageError("Name what to dismiss by its NUMBER, or give --station and --because.")
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.office.pending import find_all_aside
    from cloud_sync.ledger.office.quarantine import dismiss

    for number in numbers or find_all_aside(here, station or "", because or ""):
        dismiss(here, number, by, reason, timezone.now())
        click.echo(f"{number} is off the list")


@aside.command("reopen")
@config_option
@community_option
@by_option
@click.argument("number")
def aside_reopen(config: Path, community: str | None, by: str, number: str) -> None:
    """Put on the list again what was dismissed; its station shows it as a fault again."""
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.office.quarantine import show_again

    show_again(here, number, by, timezone.now())
    click.echo(f"{number} is on the list again")


@click.group("held")
def held() -> None:
    """List points that wait, and release or refuse them."""


@held.command("list")
@config_option
@community_option
@json_option
def held_list(config: Path, community: str | None, *, as_json: bool) -> None:
    """Print visits whose points wait, the longest first, each with its reason."""
    places = open_communities(config, community)
    from cloud_sync.ledger.office.pending import held as waiting
    from cloud_sync.ledger.office.texts import HELD

    found = waiting(places)
    if as_json:
        echo_json([_held_json(row) for row in found])
        return
    line = prefixed(places)
    for row in found:
        whose = f"household {row.household}" if row.household else f"card {row.card}"
        told = f"{row.number}  since {_when(row.since)}  {row.station}  {whose}  {row.points} points"
        click.echo(line(row.community, told))
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
@community_option
@by_option
@reason_option
@_chosen
def held_release(  # noqa: PLR0913, PLR0917 (one parameter an option)
    config: Path,
    community: str | None,
    by: str,
    reason: str,
    number: int | None,
    station: str | None,
    because: str | None,
) -> None:
    """Give the resident what a visit holds, or what all of a station hold for one reason."""
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.points.held import release

    for visit in _visits(here, number, station, because):
        given = release(visit, by, reason, timezone.now())
        visit.refresh_from_db()
        waits = "; now waits for its card" if visit.held_by == HeldBy.UNKNOWN_CARD else ""
        click.echo(f"visit {visit.pk}: {given} points given{waits}")


@held.command("refuse")
@config_option
@community_option
@by_option
@reason_option
@_chosen
def held_refuse(  # noqa: PLR0913, PLR0917 (one parameter an option)
    config: Path,
    community: str | None,
    by: str,
    reason: str,
    number: int | None,
    station: str | None,
    because: str | None,
) -> None:
    """Withhold what a visit holds, or what all of a station hold for one reason."""
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.points.held import refuse

    for visit in _visits(here, number, station, because):
        click.echo(f"visit {visit.pk}: {refuse(visit, by, reason, timezone.now())} points withheld")


@held.command("expire")
@config_option
@community_option
def held_expire(config: Path, community: str | None) -> None:
    """End every wait that has lasted as long as it may, as a worker does by itself.

    Nothing ends while this machine's clock is far from the stations' clocks.
    """
    places = open_communities(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.points.clock import look_at_clock
    from cloud_sync.ledger.points.held import expire
    from config.errors import InputError

    now, line, doubted = timezone.now(), prefixed(places), []
    for here in places:
        if doubt := look_at_clock(here, now):
            doubted.append(line(here.slug, str(doubt)))
            continue
        ended = expire(here, now)
        click.echo(line(here.slug, f"{ended.given} points given to residents, {ended.returned} returned"))
    if doubted:
        raise InputError("; ".join(doubted), "set the clock, or wait for a station's next event")


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _aside_json(row: Quarantined) -> dict[str, object]:
    fields = ("number", "station", "name", "reason")
    found = {name: getattr(row, name) for name in fields} | {"came": row.came.isoformat()}
    return found | {"community": row.community.slug}


def _held_json(row: Held) -> dict[str, object]:
    return {
        "number": row.number,
        "community": row.community,
        "station": row.station,
        "household": row.household,
        "card": row.card,
        "points": row.points,
        "reason": row.reason,
        "since": row.since.isoformat(),
        "until": row.until.isoformat() if row.until else None,
    }
