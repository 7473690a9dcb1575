"""`tongzhan ledger officer`: who may use the office's pages."""

from __future__ import annotations

from pathlib import Path

import click

from config.reading import typed
from scripts.commands.ledger.common import config_option, echo_json, json_option, open_community


@click.group()
def officer() -> None:
    """Say who may use the office's pages, which show what waits for a person and let people decide on it."""


@officer.command("add")
@config_option
@click.argument("name")
def officer_add(config: Path, name: str) -> None:
    """Let a person in, or give one a new password; prints it, once."""
    community = open_community(config)
    from django.conf import settings

    from cloud_sync.ledger.officers.register import add_officer

    password = add_officer(community, name)
    click.echo(f"{typed.slug(name)} signs in at {settings.LEDGER.url}/office/ with this password: {password}")


@officer.command("remove")
@config_option
@click.argument("name")
def officer_remove(config: Path, name: str) -> None:
    """Let a person in no longer, from this moment."""
    community = open_community(config)
    from cloud_sync.ledger.officers.register import remove_officer

    remove_officer(community, name)
    click.echo(f"{typed.slug(name)} may not come in any more")


@officer.command("list")
@config_option
@json_option
def officer_list(config: Path, *, as_json: bool) -> None:
    """Print who may come in."""
    community = open_community(config)
    from cloud_sync.ledger.officers.register import officers

    names = [user.username.partition("/")[2] for user in officers(community).filter(is_active=True)]
    if as_json:
        echo_json(names)
    else:
        click.echo("\n".join(names) or "nobody; let somebody in: tongzhan ledger officer add NAME --config F")
