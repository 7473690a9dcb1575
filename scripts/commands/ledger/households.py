"""`tongzhan ledger household · staff`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from scripts.commands.ledger.common import (
    by_option,
    community_option,
    config_option,
    echo_json,
    json_option,
    open_communities,
    open_community,
    prefixed,
    reason_option,
    some_one,
)

MOST = 1000
"""Longest list of households."""


@click.group()
def household() -> None:
    """Add, list and rename households, print their links and history, export and erase their data."""


@household.command("add")
@config_option
@community_option
@click.option("--card", "cards", multiple=True, metavar="HASH", help="A card's hash; repeat for more cards.")
@click.option("--name", default="", help="The name on the statement.")
@click.argument("code")
def household_add(config: Path, community: str | None, cards: tuple[str, ...], name: str, code: str) -> None:
    """Add a household, or bind further cards to one that is here; all of it, or nothing.

    Full-width letters, upper or lower case, spaces and any kind of dash do not matter in a code. HASH may be
    the first 12 or more digits of a card that was used before, as `held list` prints them.
    """
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.households.cards import add_with_cards

    added, bound = add_with_cards(here, code, name, cards, timezone.now())
    for card, released in bound:
        click.echo(f"card {card} is bound; {released} points that waited for it are released")
    click.echo(f"household {added} of {here} is here")


@household.command("list")
@config_option
@community_option
@json_option
@click.option("--after", metavar="CODE", help="Only households whose codes come after this one's.")
@click.option(
    "--most", type=click.IntRange(1, MOST), default=MOST, show_default=True, help="So many at most."
)
def household_list(
    config: Path, community: str | None, after: str | None, most: int, *, as_json: bool
) -> None:
    """Print each household in the order of their codes: code, name, cards, points; none that was erased."""
    # A list that goes on after a code is one community's: two may have a household of that code.
    places = [open_community(config, community)] if after else open_communities(config, community)
    from dataclasses import asdict

    from cloud_sync.ledger.households.listing import households
    from cloud_sync.ledger.households.register import find_household

    begins = None if after is None else find_household(places[0], after)
    found = [(here.slug, row) for here in places for row in households(here, begins, most + 1)][: most + 1]
    if as_json:
        echo_json([{"community": slug} | asdict(row) for slug, row in found[:most]])
        return
    line = prefixed(places)
    for slug, row in found[:most]:
        told = f"{row.code}  {row.name or '-'}  {row.cards} cards  {row.points} points"
        click.echo(line(slug, told))
    if len(found) > most:
        slug, last = found[most - 1]
        option = f" --community {slug}" if len(places) > 1 or community else ""
        code = shlex.quote(last.code)
        click.echo(f"there are more: tongzhan ledger household list --after {code}{option} --config F")
    if not found and begins is None:
        click.echo(
            "no household yet; add one: "
            f"tongzhan ledger household add CODE --community {some_one(places)} --config F"
        )


@household.command("link")
@config_option
@community_option
@click.argument("code")
def household_link(config: Path, community: str | None, code: str) -> None:
    """Print the address of a household's statement."""
    here = open_community(config, community)
    from cloud_sync.ledger.households.register import find_household
    from cloud_sync.ledger.statement.links import statement_link

    click.echo(statement_link(find_household(here, code)))


@household.command("unlink")
@config_option
@community_option
@by_option
@reason_option
@click.argument("code")
def household_unlink(config: Path, community: str | None, by: str, reason: str, code: str) -> None:
    """Take back every link to a household's statement, from this moment; the next link is another."""
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.households.register import find_household
    from cloud_sync.ledger.statement.links import end_links

    found = find_household(here, code)
    end_links(found, by, reason, timezone.now())
    click.echo(
        f"all links to household {found}'s statement are revoked; "
        f"make a new one: tongzhan ledger household link {found} --community {here} --config F"
    )


@household.command("rename")
@config_option
@community_option
@by_option
@reason_option
@click.option("--name", help="The name on the statement; empty for none.")
@click.option("--code", "new", metavar="NEW", help="The new code.")
@click.argument("code")
def household_rename(  # noqa: PLR0913, PLR0917 (one parameter an option)
    config: Path, community: str | None, by: str, reason: str, name: str | None, new: str | None, code: str
) -> None:
    """Give a household another name, another code, or both."""
    if name is None and new is None:
        raise click.UsageError("Give --name, --code, or both.")
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.households.register import find_household, rename_household

    found = find_household(here, code)
    changed = rename_household(found, code=new, name=name, by=by, reason=reason, now=timezone.now())
    called = f" as {found.name!r}" if found.name else ""
    click.echo(f"household {found} is here{called}{'' if changed else ', as before'}")


@household.command("export")
@config_option
@community_option
@click.argument("code")
def household_export(config: Path, community: str | None, code: str) -> None:
    """Print everything that is held about a household, as JSON: cards, visits with their facts, transfers."""
    here = open_community(config, community)
    from cloud_sync.ledger.households.export import export_household
    from cloud_sync.ledger.households.register import find_household

    echo_json(export_household(find_household(here, code)))


@household.command("erase")
@config_option
@community_option
@by_option
@reason_option
@click.option("--yes", is_flag=True, help="Erase without asking.")
@click.argument("code")
def household_erase(
    config: Path, community: str | None, by: str, reason: str, code: str, *, yes: bool
) -> None:
    """Cut a household's pseudonym, for good: nothing leads from its cards, code or name to its visits again.

    Transfers and sums stay, and `verify` still succeeds. Older backups still hold the data until you delete
    them. Make an export first if the household wants one.
    """
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.households.erasure import erase_household
    from cloud_sync.ledger.households.register import find_household

    found = find_household(here, code)
    if not yes:
        click.confirm(f"Erase household {found}? There is no way back", abort=True, err=True)
    erased = erase_household(found, by, reason, timezone.now())
    click.echo(
        f"erased: {erased.cards} cards and {erased.visits} visits are {erased.pseudonym}'s from now on"
    )
    click.echo("older backups still hold them: delete those when they are due")


@household.command("history")
@config_option
@community_option
@json_option
@click.argument("code")
def household_history(config: Path, community: str | None, code: str, *, as_json: bool) -> None:
    """Print every transfer of a household, with the position that `tongzhan ledger correct` wants."""
    here = open_community(config, community)
    from cloud_sync.ledger.households.history import transfers_of
    from cloud_sync.ledger.households.register import find_household
    from cloud_sync.ledger.points.models import Account

    found = find_household(here, code)
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
@community_option
@click.argument("card", metavar="HASH")
def staff(config: Path, community: str | None, card: str) -> None:
    """Make a card a staff card: it opens every lid and earns nothing. `card staff CARD off` ends that."""
    here = open_community(config, community)
    from cloud_sync.ledger.households.cards import set_staff_card

    click.echo(f"card {set_staff_card(here, card)} is a staff card")
