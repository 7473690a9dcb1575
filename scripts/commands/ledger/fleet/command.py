"""`tongzhan ledger station command`: has a station do something now, and says what came of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloud_sync.wire.commands import LIFE_S, VERBS
from scripts.commands.ledger.common import (
    by_option,
    community_option,
    config_option,
    echo_json,
    json_option,
    open_community,
)

if TYPE_CHECKING:
    from cloud_sync.ledger.commanding.models import Command

LOOK_S = 0.3
GRACE_S = 20.0
"""An answer may come this long after a command's end: a lid that began to move in time is still seen."""


@click.command("command")
@config_option
@community_option
@by_option
@click.option("--reason", required=True, help="Why, in one line; it is recorded here and at the station.")
@json_option
@click.argument("slug")
@click.argument("verb", type=click.Choice(sorted(VERBS)))
@click.argument("about", default="")
def station_command(  # noqa: PLR0913 (one parameter an option)
    config: Path,
    community: str | None,
    by: str,
    reason: str,
    *,
    as_json: bool,
    slug: str,
    verb: str,
    about: str,
) -> None:
    """Have station SLUG do something now; wait for what its switches saw, at most 50 s.

    ABOUT is the bin of open and close, the part of restart (eye, lids, sync), the prompt of say. --by is an
    officer who may command there. Exits with 0 if it was done, else with 1.
    """
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.commanding import orders, outcomes
    from cloud_sync.ledger.commanding.texts import plain_outcome
    from cloud_sync.ledger.stations.registry import find_station

    station = find_station(here, slug)
    made = orders.make_command(
        station, verb, about, form=orders.new_form(), issuer=by, reason=reason, now=timezone.now()
    )
    until = time.monotonic() + LIFE_S + GRACE_S
    while made.ended_at is None and time.monotonic() < until:
        time.sleep(LOOK_S)
        outcomes.end_forgotten(timezone.now())
        made.refresh_from_db()
    if as_json:
        echo_json(_as_json(made))
    else:
        click.echo(f"{made} at {station}: {plain_outcome(made)}")
    raise SystemExit(0 if made.answer and not made.why else 1)


def _as_json(made: Command) -> dict[str, object]:
    import json

    return {
        "id": made.order,
        "verb": made.verb,
        "about": made.about,
        "state": made.state,
        "why": made.why,
        "answer": json.loads(made.answer) if made.answer else None,
    }
