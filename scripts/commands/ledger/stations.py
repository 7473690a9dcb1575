"""`tongzhan ledger station`: which stations the ledger listens to, and by which keys."""

from __future__ import annotations

from pathlib import Path

import click

from scripts.commands.ledger.common import (
    by_option,
    config_option,
    echo_json,
    json_option,
    open_community,
    reason_option,
)

MOST = 10**12
"""Points, as in ledger.toml."""


@click.group()
def station() -> None:
    """Say which stations the ledger listens to, by which keys, and how much they may bring."""


@station.command("add")
@config_option
@click.option("--public-key", required=True, metavar="HEX", help="As `tongzhan station init` printed it.")
@click.argument("slug")
def station_add(config: Path, public_key: str, slug: str) -> None:
    """Admit a station, or a further key of one that is here."""
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.stations.registry import add_station

    added = add_station(community, slug, public_key, timezone.now())
    click.echo(f"station {added} of {community} is admitted")


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
        click.echo("no station yet; admit one: tongzhan ledger station add SLUG --public-key HEX --config F")


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
    click.echo(
        "shut it out of the broker too: tongzhan ledger broker --config F --out FOLDER --host HOST, "
        "then reload mosquitto"
    )


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


@station.command("rotate-key")
@config_option
@click.option("--public-key", required=True, metavar="HEX", help="As `tongzhan station init` printed it.")
@click.option("--retire-old", is_flag=True, help="Believe every other key of the station no longer.")
@click.argument("slug")
def station_rotate_key(config: Path, public_key: str, slug: str, *, retire_old: bool) -> None:
    """Admit a station's new key beside the old one; then, with --retire-old, let the old one go.

    Do the second once `station list` says that the station was heard since it has the new key, or at once
    if the old key is in wrong hands. Either may be typed again.
    """
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.stations.registry import rotate_key

    keys = rotate_key(community, slug, public_key, timezone.now(), retire_old=retire_old)
    click.echo(f"{slug}: key {keys.key} is believed")
    for key in keys.beside:
        click.echo(f"{slug}: key {key} is believed too; end that with --retire-old")
    for row in keys.retired:
        click.echo(f"{slug}: key {row} is retired since {row.retired_at:%Y-%m-%d %H:%M} UTC")


@station.command("limit")
@config_option
@by_option
@reason_option
@click.option("--as-community", is_flag=True, help="Let the limit of ledger.toml hold again.")
@click.argument("slug")
@click.argument("points", type=click.IntRange(0, MOST), required=False)
def station_limit(
    config: Path, by: str, reason: str, slug: str, points: int | None, *, as_community: bool
) -> None:
    """Say how many POINTS a station may bring in a day before a person looks (`held list`).

    It holds for what comes from now on; what waits goes on waiting. Who decided and why is kept.
    """
    if as_community == (points is not None):
        raise click.UsageError("Give POINTS, or --as-community.")
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.settling.mint_limit import set_mint_limit

    holds = set_mint_limit(community, slug, points, by, reason, timezone.now())
    whose = ", as every station of the community" if as_community else ""
    click.echo(f"station {slug} may bring {holds} points a day{whose}")
