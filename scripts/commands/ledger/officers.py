"""`tongzhan ledger officer`: the people who may use the office's pages, and their roles."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from config.reading import typed
from scripts.commands.ledger.common import config_option, echo_json, json_option, open_town, runner_option

if TYPE_CHECKING:
    from cloud_sync.ledger.stations.models import Community

role_option = click.option(
    "--role", required=True, metavar="ROLE", help="admin, clerk, instructor, auditor or installer."
)
place_option = click.option(
    "--community", metavar="SLUG", help="Only in this community; else in the whole town."
)
why_option = click.option("--reason", required=True, help="Why, in one line; it is kept.")


@click.group()
def officer() -> None:
    """Manage who may use the office's pages, and what each may do there."""


@officer.command("add")
@config_option
@role_option
@place_option
@runner_option
@why_option
@click.argument("name")
def officer_add(config: Path, name: str, role: str, community: str | None, by: str, reason: str) -> None:
    """Let a person in, with a role; prints a password, once."""
    open_town(config)
    from django.conf import settings
    from django.db import transaction

    from cloud_sync.ledger.officers.grants import give_role, role_named
    from cloud_sync.ledger.officers.register import add_officer, find_officer

    wanted, place = role_named(role), _place(community)
    with transaction.atomic():
        password = add_officer(name)
        give_role(find_officer(name), wanted, place, by, reason, datetime.now(UTC))
    who = f"{typed.slug(name)}, {wanted} of {place or 'the town'},"
    click.echo(f"{who} signs in at {settings.LEDGER.url}/office/ with this password: {password}")


@officer.command("password")
@config_option
@click.argument("name")
def officer_password(config: Path, name: str) -> None:
    """Give a person a new password, which ends their sessions; prints it, once."""
    open_town(config)
    from cloud_sync.ledger.officers.register import renew_password

    click.echo(f"{typed.slug(name)} has a new password: {renew_password(name)}")


@officer.command("grant")
@config_option
@role_option
@place_option
@runner_option
@why_option
@click.argument("name")
def officer_grant(config: Path, name: str, role: str, community: str | None, by: str, reason: str) -> None:
    """Give a person a further role."""
    open_town(config)
    from cloud_sync.ledger.officers.grants import give_role, role_named
    from cloud_sync.ledger.officers.register import find_officer

    found, wanted, place = find_officer(name), role_named(role), _place(community)
    is_new = give_role(found, wanted, place, by, reason, datetime.now(UTC))
    said = "is now" if is_new else "was already"
    click.echo(f"{found.username} {said} {wanted} of {place or 'the town'}")


@officer.command("revoke")
@config_option
@role_option
@place_option
@runner_option
@why_option
@click.argument("name")
def officer_revoke(config: Path, name: str, role: str, community: str | None, by: str, reason: str) -> None:
    """End a role of a person; the town keeps at least one admin."""
    open_town(config)
    from cloud_sync.ledger.officers.grants import end_role, role_named
    from cloud_sync.ledger.officers.register import find_officer

    found, wanted, place = find_officer(name), role_named(role), _place(community)
    end_role(found, wanted, place, by, reason, datetime.now(UTC))
    click.echo(f"{found.username} is no longer {wanted} of {place or 'the town'}")


@officer.command("remove")
@config_option
@runner_option
@why_option
@click.argument("name")
def officer_remove(config: Path, name: str, by: str, reason: str) -> None:
    """Let a person in no longer, from this moment, and end their roles."""
    open_town(config)
    from cloud_sync.ledger.officers.register import remove_officer

    remove_officer(name, by, reason, datetime.now(UTC))
    click.echo(f"{typed.slug(name)} can no longer sign in")


@officer.group("second-factor")
def second_factor() -> None:
    """Help an officer who lost the phone of their second factor."""


@second_factor.command("reset")
@config_option
@runner_option
@why_option
@click.argument("name")
def second_factor_reset(config: Path, name: str, by: str, reason: str) -> None:
    """Remove a person's second factor; they set up another at their next sign-in."""
    open_town(config)
    from cloud_sync.ledger.officers.factor.codes import reset
    from cloud_sync.ledger.officers.register import find_officer

    found = find_officer(name)
    reset(found, by, reason, datetime.now(UTC))
    click.echo(f"{found.username} has no second factor now and sets up another at the next sign-in")


@officer.command("list")
@config_option
@json_option
def officer_list(config: Path, *, as_json: bool) -> None:
    """Print who may come in, and as what."""
    open_town(config)
    from cloud_sync.ledger.officers.factor.codes import device_of
    from cloud_sync.ledger.officers.grants import roles_of
    from cloud_sync.ledger.officers.register import officers

    found = list(officers().filter(is_active=True))
    if as_json:
        echo_json(
            [
                {
                    "name": user.username,
                    "roles": [role.as_json() for role in roles_of(user)],
                    "second_factor": device_of(user) is not None,
                }
                for user in found
            ]
        )
        return
    lines = [f"{user}: {', '.join(map(str, roles_of(user))) or 'no role'}" for user in found]
    nobody = "no officer yet; add one: tongzhan ledger officer add NAME --role admin --reason WHY --config F"
    click.echo("\n".join(lines) or nobody)


def _place(slug: str | None) -> Community | None:
    from cloud_sync.ledger.communities.register import find_community

    return None if slug is None else find_community(slug)
