"""`tongzhan ledger officer`: who may look at the office's page."""

from __future__ import annotations

from pathlib import Path

import click

from scripts.commands.ledger.common import config_option, echo_json, json_option, open_community


@click.group()
def officer() -> None:
    """Say who may look at the office's page."""


@officer.command("add")
@config_option
@click.argument("name")
def officer_add(config: Path, name: str) -> None:
    """Let a person look, or give one a new password; prints it, once."""
    community = open_community(config)
    from cloud_sync.ledger.office.officers import add_officer

    click.echo(f"{name} may look at the office's page with this password: {add_officer(community, name)}")


@officer.command("remove")
@config_option
@click.argument("name")
def officer_remove(config: Path, name: str) -> None:
    """Let a person look no longer, from this moment."""
    community = open_community(config)
    from cloud_sync.ledger.office.officers import remove_officer

    remove_officer(community, name)
    click.echo(f"{name} may not look any more")


@officer.command("list")
@config_option
@json_option
def officer_list(config: Path, *, as_json: bool) -> None:
    """Print who may look."""
    community = open_community(config)
    from cloud_sync.ledger.office.officers import officers

    names = [user.username.partition("/")[2] for user in officers(community).filter(is_active=True)]
    if as_json:
        echo_json(names)
    else:
        click.echo("\n".join(names) or "nobody; let somebody look: tongzhan ledger officer add NAME")
