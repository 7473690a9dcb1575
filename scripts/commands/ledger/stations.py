"""`tongzhan ledger station`: the stations that the ledger accepts, and their keys."""

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
    """Admit, rename and retire stations, change their keys, and limit the points they may bring."""


@station.command("add")
@config_option
@click.option("--public-key", required=True, metavar="HEX", help="As `tongzhan station init` printed it.")
@click.option(
    "--name-zh", default="", metavar="NAME", help="Its Chinese name on the pages, such as 东门桶站."
)
@click.option(
    "--name-en", default="", metavar="NAME", help="Its English name on the pages, such as East Gate."
)
@click.argument("slug")
def station_add(config: Path, public_key: str, name_zh: str, name_en: str, slug: str) -> None:
    """Admit a station with its names, or one more key of an admitted station."""
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.stations.registry import add_station

    added = add_station(community, slug, public_key, timezone.now(), name_zh=name_zh, name_en=name_en)
    click.echo(f"station {added} of {community} is admitted")


@station.command("rename")
@config_option
@by_option
@reason_option
@click.option("--name-zh", metavar="NAME", help="Its Chinese name; empty for none.")
@click.option("--name-en", metavar="NAME", help="Its English name; empty for none.")
@click.argument("slug")
def station_rename(
    config: Path, by: str, reason: str, name_zh: str | None, name_en: str | None, slug: str
) -> None:
    """Change the names that residents and the office see; SLUG itself never changes."""
    if name_zh is None and name_en is None:
        raise click.UsageError("Give --name-zh, --name-en, or both.")
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.stations.registry import rename_station

    row, changed = rename_station(
        community, slug, name_zh=name_zh, name_en=name_en, by=by, reason=reason, now=timezone.now()
    )
    names = " · ".join(filter(None, (row.name_zh, row.name_en))) or "without a name"
    click.echo(f"station {row} is {names}{'' if changed else ', as before'}")


@station.command("list")
@config_option
@json_option
def station_list(config: Path, *, as_json: bool) -> None:
    """Print each station: names, when it was last heard, what it has delivered, and its keys."""
    community = open_community(config)
    from cloud_sync.ledger.stations.registry import summaries

    found = summaries(community)
    if as_json:
        echo_json([row.as_json() for row in found])
        return
    for row in found:
        click.echo(row.line())
    if not found:
        click.echo("no station yet; admit one: tongzhan ledger station add SLUG --public-key HEX --config F")


@station.command("retire")
@config_option
@click.argument("slug")
def station_retire(config: Path, slug: str) -> None:
    """Accept nothing more from a station. Its events and its history stay."""
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.stations.registry import retire_station

    keys = retire_station(community, slug, timezone.now())
    click.echo(f"station {slug} of {community} is retired, with {keys} keys")
    click.echo(
        "remove it from the broker too: tongzhan ledger broker --config F --out FOLDER --host HOST, "
        "then reload mosquitto"
    )


@station.command("retire-key")
@config_option
@click.argument("slug")
@click.argument("key_id")
def station_retire_key(config: Path, slug: str, key_id: str) -> None:
    """Retire one key of a station: the old key, once the station signs with the new one."""
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.stations.registry import retire_key

    click.echo(f"key {retire_key(community, slug, key_id, timezone.now())} of {slug} is retired")


@station.command("rotate-key")
@config_option
@click.option("--public-key", required=True, metavar="HEX", help="As `tongzhan station init` printed it.")
@click.option("--retire-old", is_flag=True, help="Retire every other key of the station.")
@click.argument("slug")
def station_rotate_key(config: Path, public_key: str, slug: str, *, retire_old: bool) -> None:
    """Admit a station's new key; with --retire-old, also retire the old one.

    Use --retire-old once `station list` shows that the station was heard with the new key, or at once if
    the old key may be stolen. Both steps may be repeated.
    """
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.stations.registry import rotate_key

    keys = rotate_key(community, slug, public_key, timezone.now(), retire_old=retire_old)
    click.echo(f"{slug}: key {keys.key} is in use")
    for key in keys.others:
        click.echo(f"{slug}: key {key} is still in use; retire it with --retire-old")
    for row in keys.retired:
        click.echo(f"{slug}: key {row} is retired since {row.retired_at:%Y-%m-%d %H:%M} UTC")


@station.command("limit")
@config_option
@by_option
@reason_option
@click.option("--as-community", is_flag=True, help="Return to the limit in ledger.toml.")
@click.argument("slug")
@click.argument("points", type=click.IntRange(0, MOST), required=False)
def station_limit(
    config: Path, by: str, reason: str, slug: str, points: int | None, *, as_community: bool
) -> None:
    """Set how many POINTS a station may bring in a day; points beyond it wait for a person (`held list`).

    The limit applies to new events; points already held stay held. Who decided and why is recorded.
    """
    if as_community == (points is not None):
        raise click.UsageError("Give POINTS, or --as-community.")
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.settling.mint_limit import set_mint_limit

    holds = set_mint_limit(community, slug, points, by, reason, timezone.now())
    whose = ", as every station of the community" if as_community else ""
    click.echo(f"station {slug} may bring {holds} points a day{whose}")
