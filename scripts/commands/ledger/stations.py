"""`tongzhan ledger station`: which stations the ledger listens to, and by which keys."""

from __future__ import annotations

from pathlib import Path

import click

from scripts.commands.ledger.common import config_option, echo_json, json_option, open_community


@click.group()
def station() -> None:
    """Say which stations the ledger listens to, and by which keys."""


@station.command("add")
@config_option
@click.option("--public-key", required=True, metavar="HEX", help="As `tongzhan station init` printed it.")
@click.argument("slug")
def station_add(config: Path, public_key: str, slug: str) -> None:
    """Admit a station, or a further key of one that is here."""
    community = open_community(config)
    from cloud_sync.ledger.stations.registry import add_station

    click.echo(f"station {add_station(community, slug, public_key)} of {community} is admitted")


@station.command("list")
@config_option
@json_option
def station_list(config: Path, *, as_json: bool) -> None:
    """Print each station, when it was last heard, what it has delivered, and its keys."""
    community = open_community(config)
    from cloud_sync.ledger.stations.registry import stations

    found = stations(community)
    if as_json:
        echo_json([row.as_json() for row in found])
        return
    for row in found:
        click.echo(row.told())
    if not found:
        click.echo("no station yet; admit one: tongzhan ledger station add SLUG --public-key HEX")


@station.command("retire")
@config_option
@click.argument("slug")
def station_retire(config: Path, slug: str) -> None:
    """Take nothing more from a station. What it has delivered stays; so does its history."""
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.stations.registry import retire_station

    keys = retire_station(community, slug, timezone.now())
    click.echo(f"station {slug} of {community} is retired, with {keys} keys")
    click.echo("shut it out of the broker too: tongzhan ledger broker, then reload mosquitto")


@station.command("retire-key")
@config_option
@click.argument("slug")
@click.argument("key_id")
def station_retire_key(config: Path, slug: str, key_id: str) -> None:
    """Believe one key of a station no longer: the old one, once it signs by the new one."""
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.stations.registry import retire_key

    click.echo(f"key {retire_key(community, slug, key_id, timezone.now())} of {slug} is retired")
