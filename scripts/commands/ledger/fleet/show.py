"""`tongzhan ledger station show`: what a station says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scripts.commands.ledger.common import (
    community_option,
    config_option,
    echo_json,
    json_option,
    open_community,
)

if TYPE_CHECKING:
    from cloud_sync.ledger.fleet.status import StationNow


@click.command("show")
@config_option
@community_option
@json_option
@click.argument("slug")
def station_show(config: Path, community: str | None, slug: str, *, as_json: bool) -> int:
    """Print whether a station is online, since when it is silent, and what it said of itself last.

    Exit status 1 if it is not online, as a monitor wants it.
    """
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.fleet.status import Condition, standing_of

    one = standing_of(here, slug, timezone.now())
    if as_json:
        echo_json({"community": here.slug, "slug": one.station.slug} | one.as_json())
    else:
        for line in _lines(one):
            click.echo(line)
    return 0 if one.condition is Condition.ONLINE else 1


def _lines(one: StationNow) -> Iterator[str]:
    heard = f"{one.heard_at:%Y-%m-%d %H:%M:%S} UTC" if one.heard_at else "never"
    yield f"{one.station.slug}: {one.condition.value}, last words {heard}"
    for name, value in one.as_json().items():
        if name not in {"condition", "heard_state"} and value not in (None, [], (), {}):
            yield f"  {name}: {value}"
