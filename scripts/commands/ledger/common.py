"""Shared by the ledger's commands: options, and opening the ledger of a configuration."""

from __future__ import annotations

import json
import sys
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
by_option = click.option("--by", required=True, metavar="NAME", help="Who decides.")
reason_option = click.option("--reason", required=True, help="Why, in one line; the resident may read it.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def open_ledger(config: Path) -> LedgerSettings:
    """Load the settings and set Django up for them."""
    from cloud_sync.ledger import setup
    from config.ledger import load_ledger

    settings = load_ledger(config)
    setup(config)
    return settings


def open_community(config: Path) -> Community:
    """Return the community of a ledger; InputError unless its database is ready for this version."""
    settings = open_ledger(config)
    from cloud_sync.ledger.db.database import check

    return check(settings)


def database_errors() -> tuple[type[Exception], ...]:
    """Return Django's database errors; none if no command has loaded Django."""
    django = sys.modules.get("django.db")
    return () if django is None else (django.DatabaseError,)


def echo_json(value: object) -> None:
    """Print a value as one line of JSON, always in UTF-8."""
    click.echo(json.dumps(value, ensure_ascii=False).encode())
