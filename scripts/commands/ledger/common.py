"""Shared by the ledger's commands: options, and opening the ledger of a configuration."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cloud_sync.ledger.stations.models import Community
    from config.ledger import LedgerSettings

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    required=True,
    metavar="F",
    help="The ledger.toml.",
)
community_option = click.option(
    "--community", metavar="SLUG", help="Which community, where the ledger has several."
)
by_option = click.option("--by", required=True, metavar="NAME", help="Who decides.")


def runner() -> str:
    """Return the name of who runs this command: before sudo, if it is run by that."""
    if name := os.environ.get("SUDO_USER"):
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        return f"user {os.getuid()}"


runner_option = click.option(
    "--by",
    default=runner,
    metavar="NAME",
    help="Who decides; else the name of who runs the command.",
)
reason_option = click.option("--reason", required=True, help="Why, in one line; the resident may read it.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def open_ledger(config: Path) -> LedgerSettings:
    """Load the settings and set Django up for them; what the command writes is by who runs it."""
    from cloud_sync.ledger import setup
    from cloud_sync.ledger.audit.acting import acting
    from config.ledger import load_ledger

    settings = load_ledger(config)
    setup(config)
    context = click.get_current_context()
    context.with_resource(acting(runner(), context.command_path))
    return settings


def open_town(config: Path) -> LedgerSettings:
    """The settings of a ledger whose database is ready for this version, however many communities it has."""
    settings = open_ledger(config)
    from cloud_sync.ledger.db.database import check

    check(settings)
    return settings


def open_community(config: Path, slug: str | None) -> Community:
    """The community that is named, or the only one; InputError where it is not said which of several."""
    open_town(config)
    from cloud_sync.ledger.communities.register import one_community

    return one_community(slug)


def open_communities(config: Path, slug: str | None) -> list[Community]:
    """The community that is named, else all of them."""
    open_town(config)
    from cloud_sync.ledger.communities.register import chosen_communities

    return chosen_communities(slug)


def prefixed(communities: Sequence[Community]) -> Callable[[str, str], str]:
    """Put a community's slug before a line of a list of several communities'."""
    return (lambda slug, line: f"{slug}  {line}") if len(communities) > 1 else (lambda _slug, line: line)


def some_one(communities: Sequence[Community]) -> str:
    """What --community names in a mend about these: the only one's slug, or a word for any of them."""
    return communities[0].slug if len(communities) == 1 else "SLUG"


def database_errors() -> tuple[type[Exception], ...]:
    """Return Django's database errors; none if no command has loaded Django."""
    django = sys.modules.get("django.db")
    return () if django is None else (django.DatabaseError,)


def echo_json(value: object) -> None:
    """Print a value as one line of JSON, always in UTF-8."""
    click.echo(json.dumps(value, ensure_ascii=False).encode())
