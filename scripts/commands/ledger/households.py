"""`tongzhan ledger household · staff`."""

from __future__ import annotations

from pathlib import Path

import click

from scripts.commands.ledger.common import config_option, open_community


@click.group()
def household() -> None:
    """Add households, bind their cards, print their links."""


@household.command("add")
@config_option
@click.option("--card", "cards", multiple=True, metavar="HASH", help="A card's hash; repeat for more cards.")
@click.option("--name", default="", help="As the statement addresses it.")
@click.argument("code")
def household_add(config: Path, cards: tuple[str, ...], name: str, code: str) -> None:
    """Add a household, or bind further cards to one that is here."""
    community = open_community(config)
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
    community = open_community(config)
    from cloud_sync.ledger.points.households import find_household
    from cloud_sync.ledger.points.statement import statement_link

    click.echo(statement_link(find_household(community, code)))


@click.command()
@config_option
@click.argument("card", metavar="HASH")
def staff(config: Path, card: str) -> None:
    """Make a card a staff card: it opens every lid and earns nothing."""
    community = open_community(config)
    from cloud_sync.ledger.points.households import set_staff_card

    click.echo(f"card {set_staff_card(community, card)} is a staff card")
