"""`tongzhan ledger`: make, feed, serve and audit a community's ledger."""

from __future__ import annotations

import json
import logging
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


@click.group()
def ledger() -> None:
    """Serve, feed and verify the community's ledger."""


@ledger.command()
@config_option
def init(config: Path) -> None:
    """Make keys and database, or bring them up to date; again does no harm."""
    from cloud_sync.ledger.install import init as make

    click.echo(f"ready; stations check receipts by this public key: {make(config)}")


@ledger.command()
@config_option
def serve(config: Path) -> None:
    """Serve the web pages until stopped."""
    settings = _open(config)
    from cloud_sync.ledger.serve import serve as run

    _log()
    run(settings)


@ledger.command()
@config_option
def ingest(config: Path) -> None:
    """Take what stations send and answer with receipts until stopped."""
    settings = _open(config)
    from cloud_sync.ledger.ingest import ingest as run

    _log()
    run(settings)


@ledger.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def verify(config: Path, *, as_json: bool) -> int:
    """Check every sum of the ledger; exit 1 and name what is wrong if one does not agree."""
    _community(_open(config))
    from cloud_sync.ledger.points.audit import verify as audit

    result = audit()
    for problem in result.problems:
        click.echo(problem, err=True)
    figures = result.as_json()
    if as_json:
        click.echo(json.dumps(figures))
    else:
        click.echo(", ".join(f"{name} {value}" for name, value in figures.items()))
    return 0 if result.ok else 1


@ledger.group()
def station() -> None:
    """Say which stations the ledger listens to."""


@station.command("add")
@config_option
@click.option("--public-key", required=True, metavar="HEX", help="As `tongzhan station init` printed it.")
@click.argument("slug")
def station_add(config: Path, public_key: str, slug: str) -> None:
    """Admit a station, or a further key of one that is here."""
    community = _community(_open(config))
    from cloud_sync.ledger.stations.registry import add_station

    click.echo(f"station {add_station(community, slug, public_key)} of {community} is admitted")


@ledger.group()
def household() -> None:
    """Add households, bind their cards, print their links."""


@household.command("add")
@config_option
@click.option("--card", "cards", multiple=True, metavar="HASH", help="A card's hash; repeat for more cards.")
@click.option("--name", default="", help="As the statement addresses it.")
@click.argument("code")
def household_add(config: Path, cards: tuple[str, ...], name: str, code: str) -> None:
    """Add a household, or bind further cards to one that is here."""
    community = _community(_open(config))
    from django.utils import timezone

    from cloud_sync.ledger.points.households import add_household, bind_card

    added = add_household(community, code, name)
    for card in cards:
        released = bind_card(added, card, timezone.now())
        click.echo(f"card {card[:12]} is bound; {released} points that waited for it are released")
    click.echo(f"household {added} of {community} is here")


@household.command("link")
@config_option
@click.argument("code")
def household_link(config: Path, code: str) -> None:
    """Print the address of a household's statement."""
    community = _community(_open(config))
    from cloud_sync.ledger.points.households import find_household
    from cloud_sync.ledger.points.statement import statement_link

    click.echo(statement_link(find_household(community, code)))


@ledger.command()
@config_option
@click.argument("card", metavar="HASH")
def staff(config: Path, card: str) -> None:
    """Make a card a staff card: it opens every lid and earns nothing."""
    community = _community(_open(config))
    from cloud_sync.ledger.points.households import set_staff_card

    click.echo(f"card {set_staff_card(community, card)} is a staff card")


def _log() -> None:
    """One line an event on stderr, where the service manager keeps it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")


def _open(config: Path) -> LedgerSettings:
    """The settings, with Django set up for them."""
    from cloud_sync.ledger import setup
    from config.ledger import load_ledger

    settings = load_ledger(config)
    setup(config)
    return settings


def _community(settings: LedgerSettings) -> Community:
    from cloud_sync.ledger.database import check

    return check(settings)
