"""`tongzhan ledger preview`: what past days would have earned under other rules."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scripts.commands.ledger.common import community_option, config_option, json_option, open_communities

if TYPE_CHECKING:
    from cloud_sync.ledger.settling.preview import Preview

DAYS = 7
a_day = click.DateTime(["%Y-%m-%d"])


@click.command()
@config_option
@community_option
@click.option(
    *("--rules", "file"),
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The award rules to try, a TOML file; nothing is changed.",
)
@click.option("--since", type=a_day, help="First day, YYYY-MM-DD.  [default: a week before --until]")
@click.option("--until", type=a_day, help="The day after the last one.  [default: today]")
@json_option
def preview(
    config: Path,
    community: str | None,
    file: Path,
    since: datetime | None,
    until: datetime | None,
    *,
    as_json: bool,
) -> None:
    """Say what the visits of past days would have earned under other rules, community by community."""
    from cloud_sync.rules.award_rules import AwardRules
    from config.reading.load import load_toml

    places = open_communities(config, community)
    rules = load_toml(file, AwardRules, named_by="--rules")
    from zoneinfo import ZoneInfo

    import msgspec
    from django.utils import timezone

    from cloud_sync.ledger.settling.preview import preview as look

    for here in places:
        last = until.date() if until else timezone.now().astimezone(ZoneInfo(here.timezone)).date()
        first = since.date() if since else last - timedelta(days=DAYS)
        told = look(here, rules, first, last)
        if as_json:  # a line for each community
            found = {"community": here.slug} | msgspec.to_builtins(told)
            click.echo(msgspec.json.encode(found).decode())
            continue
        if len(places) > 1:
            click.echo(f"{here.slug}:")
        _tell(told)


def _tell(told: Preview) -> None:
    """Print a table."""
    click.echo(f"{told.visits} visits from {told.since} until before {told.until}")
    click.echo(f"given or held: {told.given} points; by their own rules {told.before}")
    click.echo(f"under version {told.version}: {told.after} points ({told.after - told.before:+d})")
    for row in told.outcomes:
        click.echo(f"  {row.outcome}: {row.times} deposits, {row.before} -> {row.after}")
    for name, rows in (("gain most", told.most_gained), ("lose most", told.most_lost)):
        if rows:
            said = ", ".join(f"{row.household} {row.before} -> {row.after}" for row in rows)
            click.echo(f"households that {name}: {said}")
