"""`tongzhan ledger officer`: the people who may use the office's pages."""

from __future__ import annotations

from pathlib import Path

import click

from config.reading import typed
from scripts.commands.ledger.common import config_option, echo_json, json_option, open_town


@click.group()
def officer() -> None:
    """Manage who may use the office's pages, where people decide on what waits for them."""


@officer.command("add")
@config_option
@click.argument("name")
def officer_add(config: Path, name: str) -> None:
    """Let a person in, or give one a new password; prints it, once."""
    open_town(config)
    from django.conf import settings

    from cloud_sync.ledger.officers.register import add_officer

    password = add_officer(name)
    click.echo(f"{typed.slug(name)} signs in at {settings.LEDGER.url}/office/ with this password: {password}")


@officer.command("remove")
@config_option
@click.argument("name")
def officer_remove(config: Path, name: str) -> None:
    """Let a person in no longer, from this moment."""
    open_town(config)
    from cloud_sync.ledger.officers.register import remove_officer

    remove_officer(name)
    click.echo(f"{typed.slug(name)} can no longer sign in")


@officer.command("list")
@config_option
@json_option
def officer_list(config: Path, *, as_json: bool) -> None:
    """Print who may come in."""
    open_town(config)
    from cloud_sync.ledger.officers.register import officers

    names = [user.username for user in officers().filter(is_active=True)]
    if as_json:
        echo_json(names)
    else:
        click.echo("\n".join(names) or "no officer yet; add one: tongzhan ledger officer add NAME --config F")
