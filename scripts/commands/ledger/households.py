"""`tongzhan ledger household · staff`."""

from __future__ import annotations

from pathlib import Path

import click

from scripts.commands.ledger.common import (
    by_option,
    config_option,
    echo_json,
    json_option,
    open_community,
    reason_option,
)


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
    from cloud_sync.ledger.points.links import statement_link

    click.echo(statement_link(find_household(community, code)))


@household.command("unlink")
@config_option
@by_option
@reason_option
@click.argument("code")
def household_unlink(config: Path, by: str, reason: str, code: str) -> None:
    """Take back every link to a household's statement, from this moment; the next link is another."""
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.points.households import find_household
    from cloud_sync.ledger.points.links import end_links

    end_links(find_household(community, code), by, reason, timezone.now())
    click.echo(f"no link of household {code} opens its statement any more; give it a new one: household link")


@household.command("history")
@config_option
@json_option
@click.argument("code")
def household_history(config: Path, code: str, *, as_json: bool) -> None:
    """Print every transfer of a household, with the position that `tongzhan ledger correct` wants."""
    community = open_community(config)
    from cloud_sync.ledger.points.history import transfers_of
    from cloud_sync.ledger.points.households import find_household
    from cloud_sync.ledger.points.models import Account

    found = find_household(community, code)
    account = Account.objects.get(household=found)
    rows = [
        {
            "position": row.position,
            "at": row.created_at.isoformat(timespec="seconds"),
            "points": row.points if row.credit_id == account.pk else -row.points,
            "purpose": row.purpose,
            "event": f"{row.event.station}/{row.event.epoch}/{row.event.sequence}",
        }
        for row in transfers_of(found, account.pk)
    ]
    if as_json:
        echo_json(rows)
        return
    for line in rows:
        click.echo("  ".join(str(value) for value in line.values()))
    click.echo(f"{account.balance} points")


@click.command()
@config_option
@click.argument("card", metavar="HASH")
def staff(config: Path, card: str) -> None:
    """Make a card a staff card: it opens every lid and earns nothing."""
    community = open_community(config)
    from cloud_sync.ledger.points.households import set_staff_card

    click.echo(f"card {set_staff_card(community, card)} is a staff card")
