"""`tongzhan ledger station`: the stations that the ledger accepts, and their keys."""

from __future__ import annotations

from pathlib import Path

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
    some_one,
)

MOST = 10**12
"""Points."""


@click.group()
def station() -> None:
    """Admit, rename and retire stations, change their keys, and limit the points they may bring."""


@station.command("add")
@config_option
@community_option
@click.option("--public-key", required=True, metavar="HEX", help="As `tongzhan station init` printed it.")
@click.option(
    "--name-zh", default="", metavar="NAME", help="Its Chinese name on the pages, such as 东门桶站."
)
@click.option(
    "--name-en", default="", metavar="NAME", help="Its English name on the pages, such as East Gate."
)
@click.argument("slug")
def station_add(
    config: Path, community: str | None, public_key: str, name_zh: str, name_en: str, slug: str
) -> None:
    """Admit a station with its names, or a further key of a station that is admitted."""
    settings, here = open_town(config), open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.keys import card_key_file
    from cloud_sync.ledger.stations.registry import add_station

    added = add_station(here, slug, public_key, timezone.now(), name_zh=name_zh, name_en=name_en)
    click.echo(f"station {added} of {here} is admitted")
    click.echo(f"its cards are hashed by the key in {card_key_file(settings.state_dir, here.slug)}")


@station.command("invite")
@config_option
@community_option
@by_option
@reason_option
@json_option
@click.option("--name-zh", default="", metavar="NAME", help="A new station's Chinese name on the pages.")
@click.option("--name-en", default="", metavar="NAME", help="A new station's English name on the pages.")
@click.argument("slug")
def station_invite(  # noqa: PLR0913, PLR0917 (one parameter an option)
    config: Path,
    community: str | None,
    by: str,
    reason: str,
    name_zh: str,
    name_en: str,
    slug: str,
    *,
    as_json: bool,
) -> None:
    """Make a code by which a station enrols: as text to type, and as a QR code for its camera.

    A new SLUG is admitted; a station that is here already enrols again, with a new card or board, and its old
    key ends once the new one is heard. The code is for one use within 15 minutes, and a further one ends it.
    Type it only at the station, and send it to nobody.
    """
    settings, here = open_town(config), open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.enrolment import invitations, qr
    from cloud_sync.ledger.keys import read_signing_key

    public = read_signing_key(settings.state_dir).public_key().public_bytes_raw()
    place = invitations.place_of(settings, public)
    made = invitations.invite(
        here, slug, place, by=by, reason=reason, now=timezone.now(), name_zh=name_zh, name_en=name_en
    )
    text, until = made.code.text(), made.row.expires_at
    if as_json:
        echo_json({"station": slug, "code": text, "expires": until.isoformat()})
        return
    click.echo(qr.as_text(made.code))
    click.echo(text)
    click.echo(f"for station {made.row.station} of {here}, once, until {until:%H:%M} UTC; at the station:")
    click.echo(f"  sudo tongzhan station enrol {text} --config /etc/tongzhan/station.toml")


@station.command("rename")
@config_option
@community_option
@by_option
@reason_option
@click.option("--name-zh", metavar="NAME", help="Its Chinese name; empty for none.")
@click.option("--name-en", metavar="NAME", help="Its English name; empty for none.")
@click.argument("slug")
def station_rename(  # noqa: PLR0913, PLR0917 (one parameter an option)
    config: Path,
    community: str | None,
    by: str,
    reason: str,
    name_zh: str | None,
    name_en: str | None,
    slug: str,
) -> None:
    """Change the names that residents and the office see; SLUG itself never changes."""
    if name_zh is None and name_en is None:
        raise click.UsageError("Give --name-zh, --name-en, or both.")
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.stations.registry import rename_station

    row, changed = rename_station(
        here, slug, name_zh=name_zh, name_en=name_en, by=by, reason=reason, now=timezone.now()
    )
    names = " · ".join(filter(None, (row.name_zh, row.name_en))) or "without a name"
    click.echo(f"station {row} is {names}{'' if changed else ', as before'}")


@station.command("list")
@config_option
@community_option
@json_option
def station_list(config: Path, community: str | None, *, as_json: bool) -> None:
    """Print each station with its names, its condition, what it has delivered, and its keys.

    `heard` is when its last batch came; --json also has what it said of itself last.
    """
    places = open_communities(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.fleet.status import standings
    from cloud_sync.ledger.stations.registry import summaries

    found = [(here.slug, row) for here in places for row in summaries(here)]
    now = {(one.station.community.slug, one.station.slug): one for one in standings(places, timezone.now())}
    if as_json:
        echo_json(
            [
                {"community": slug} | row.as_json() | (now[slug, row.slug].as_json() if row.active else {})
                for slug, row in found
            ]
        )
        return
    line = prefixed(places)
    for slug, row in found:
        condition = f", {now[slug, row.slug].condition.value}" if row.active else ""
        click.echo(line(slug, row.line() + condition))
    if not found:
        click.echo(
            "no station yet; admit one: tongzhan ledger station add SLUG --public-key HEX "
            f"--community {some_one(places)} --config F"
        )


@station.command("retire")
@config_option
@community_option
@click.argument("slug")
def station_retire(config: Path, community: str | None, slug: str) -> None:
    """Accept nothing more from a station. What it has delivered stays; so does its history."""
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.stations.registry import retire_station

    keys = retire_station(here, slug, timezone.now())
    click.echo(f"station {slug} of {here} is retired, with {keys} keys")
    click.echo(
        "remove it from the broker too: tongzhan ledger broker --config F --out FOLDER --host HOST, "
        "then reload mosquitto"
    )


@station.command("retire-key")
@config_option
@community_option
@click.argument("slug")
@click.argument("key_id")
def station_retire_key(config: Path, community: str | None, slug: str, key_id: str) -> None:
    """Retire one key of a station: the old one, once the station signs by the new one."""
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.stations.registry import retire_key

    click.echo(f"key {retire_key(here, slug, key_id, timezone.now())} of {slug} is retired")


@station.command("rotate-key")
@config_option
@community_option
@click.option("--public-key", required=True, metavar="HEX", help="As `tongzhan station init` printed it.")
@click.option("--retire-old", is_flag=True, help="Retire every other key of the station.")
@click.argument("slug")
def station_rotate_key(
    config: Path, community: str | None, public_key: str, slug: str, *, retire_old: bool
) -> None:
    """Admit a station's new key; then, with --retire-old, retire the old one.

    Use --retire-old once `station list` shows that the station was heard with the new key, or at once if
    the old key may be stolen. Both steps may be repeated.
    """
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.stations.registry import rotate_key

    keys = rotate_key(here, slug, public_key, timezone.now(), retire_old=retire_old)
    click.echo(f"{slug}: key {keys.key} is in use")
    for key in keys.others:
        click.echo(f"{slug}: key {key} is still in use; retire it with --retire-old")
    for row in keys.retired:
        click.echo(f"{slug}: key {row} is retired since {row.retired_at:%Y-%m-%d %H:%M} UTC")


@station.command("limit")
@config_option
@community_option
@by_option
@reason_option
@click.option("--as-community", is_flag=True, help="Return to the community's limit.")
@click.argument("slug")
@click.argument("points", type=click.IntRange(0, MOST), required=False)
def station_limit(  # noqa: PLR0913 (one parameter an option)
    config: Path,
    community: str | None,
    by: str,
    reason: str,
    slug: str,
    points: int | None,
    *,
    as_community: bool,
) -> None:
    """Set how many POINTS a station may bring in a day; points beyond it wait for a person (`held list`).

    The limit applies to new events; points already held stay held. Who decided and why is recorded.
    """
    if as_community == (points is not None):
        raise click.UsageError("Give POINTS, or --as-community.")
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.settling.mint_limit import set_mint_limit

    holds = set_mint_limit(here, slug, points, by, reason, timezone.now())
    whose = ", as every station of the community" if as_community else ""
    click.echo(f"station {slug} may bring {holds} points a day{whose}")
