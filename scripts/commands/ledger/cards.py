"""`tongzhan ledger card`: a card's household, state and role, and every change of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from cloud_sync.ledger.households.cards import Attribution
    from cloud_sync.ledger.points.models import Card

Change = Callable[["Card", "Attribution", "datetime"], bool]


@click.group()
def card() -> None:
    """Bind, unbind, block and replace cards; who did it and why is recorded, and every change can be undone.

    CARD is a hash or the first 12 or more of its digits, as `held list` and `card list` print them.
    """


@card.command("list")
@config_option
@community_option
@json_option
@click.option("--unbound", is_flag=True, help="Only cards that belong to no household.")
def card_list(config: Path, community: str | None, *, unbound: bool, as_json: bool) -> None:
    """Print every card: its digits, whose it is, and how it stands."""
    places = open_communities(config, community)
    from cloud_sync.ledger.points.models import Card

    rows = Card.objects.filter(community__in=places).select_related("household", "community")
    rows = rows.order_by("community__slug", "household__code", "pk")
    found = [row for row in rows if not unbound or row.household is None]
    if as_json:
        echo_json([_as_json(row) for row in found])
        return
    line = prefixed(places)
    for row in found:
        click.echo(line(row.community.slug, _line(row)))
    if not found:
        click.echo(
            "no card yet; one appears here when it is first used, or by: "
            f"tongzhan ledger household add CODE --card HASH --community {some_one(places)} --config F"
        )


@card.command("show")
@config_option
@community_option
@json_option
@click.argument("card")
def card_show(config: Path, community: str | None, card: str, *, as_json: bool) -> None:
    """Print one card and everything that was ever done to it."""
    here = open_community(config, community)
    from cloud_sync.ledger.households.cards import find_card
    from cloud_sync.ledger.households.export import history

    found = find_card(here, card)
    lines = history(None, [found])
    if as_json:
        echo_json(_as_json(found) | {"history": lines})
        return
    click.echo(_line(found))
    for line in lines:
        told = [f"{name} {line[name]}" for name in ("household", "by", "reason") if line.get(name)]
        click.echo("  ".join([str(line["at"]), str(line["what"]), *told]))


@card.command("bind")
@config_option
@community_option
@by_option
@reason_option
@click.argument("card")
@click.argument("household", metavar="CODE")
def card_bind(config: Path, community: str | None, by: str, reason: str, card: str, household: str) -> None:
    """Give a card to the household CODE, and with it the points that waited for it."""
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.households.cards import Attribution, bind_card, find_card
    from cloud_sync.ledger.households.register import find_household

    home = find_household(here, household)
    released = bind_card(home, card, timezone.now(), Attribution(by, reason))
    bound = find_card(here, card)
    click.echo(f"card {bound} is household {home}'s; {released} points that waited for it are released")


@card.command("unbind")
@config_option
@community_option
@by_option
@reason_option
@click.argument("card")
def card_unbind(config: Path, community: str | None, by: str, reason: str, card: str) -> None:
    """Take a card from its household, which keeps what it earned; what it earns now waits for a household."""
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.households.cards import Attribution, find_card, unbind_card

    found = find_card(here, card)
    was = unbind_card(found, Attribution(by, reason), timezone.now())
    click.echo(f"card {found} no longer belongs to household {was}")


@card.command("replace")
@config_option
@community_option
@by_option
@reason_option
@click.argument("card")
@click.argument("new")
def card_replace(config: Path, community: str | None, by: str, reason: str, card: str, new: str) -> None:
    """Give the household of CARD the card NEW; CARD is unbound and blocked, as a lost one must be."""
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.households.cards import Attribution, find_card, replace_card

    old = find_card(here, card)
    released = replace_card(old, new, Attribution(by, reason), timezone.now())
    click.echo(f"card {old} is blocked, card {find_card(here, new)} replaces it")
    click.echo(f"{released} points that waited for it are released")


@card.command("staff")
@config_option
@community_option
@by_option
@reason_option
@click.argument("card")
@click.argument("state", type=click.Choice(["on", "off"]))
def card_staff(config: Path, community: str | None, by: str, reason: str, card: str, state: str) -> None:
    """Make a card a staff card, which opens every lid and earns nothing, or end that."""
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.households.cards import Attribution, end_staff_card, find_card, set_staff_card

    if state == "on":
        click.echo(f"card {set_staff_card(here, card, Attribution(by, reason))} is a staff card")
        return
    found = find_card(here, card)
    was = end_staff_card(found, Attribution(by, reason), timezone.now())
    click.echo(f"card {found} {'is no longer' if was else 'was not'} a staff card")


def _changing(name: str, help_: str, said: tuple[str, str]) -> None:
    """Add a command that changes a card; `said` has the texts for a change, and for no change."""

    @card.command(name, help=help_)
    @config_option
    @community_option
    @by_option
    @reason_option
    @click.argument("card")
    def change(config: Path, community: str | None, by: str, reason: str, card: str) -> None:
        here = open_community(config, community)
        from django.utils import timezone

        from cloud_sync.ledger.households import cards

        found = cards.find_card(here, card)
        now = timezone.now()
        if name in {"suspect", "clear"}:
            act = cards.suspect_card if name == "suspect" else cards.clear_card
            changed = act(found, by, reason, now)
        else:
            attribution = cards.Attribution(by, reason)
            changed = (cards.block_card if name == "block" else cards.unblock_card)(found, attribution, now)
        click.echo(f"card {found} {said[0] if changed else said[1]}")


_changing(
    "block",
    "Block a lost or misused card: stations that know of it open no lid for it.",
    ("is blocked", "was already blocked"),
)
_changing("unblock", "Let a blocked card open lids again.", ("is no longer blocked", "was not blocked"))
_changing(
    "suspect",
    "Hold what a card earns from now on for a person: there are signs of cheating.",
    ("is suspected: what it earns waits", "was already suspected"),
)
_changing(
    "clear",
    "End the suspicion on a card; points that already wait still wait for a person.",
    ("is no longer suspected", "was not suspected"),
)


def _as_json(row: Card) -> dict[str, object]:
    return {
        "number": row.pk,
        "community": row.community.slug,
        "hash": row.hash,
        "household": None if row.household is None else row.household.code,
        "status": row.status,
        "role": row.role,
        "suspected_since": None if row.suspected_at is None else row.suspected_at.isoformat(),
    }


def _line(row: Card) -> str:
    whose = "no household" if row.household is None else f"household {row.household}"
    marks = [
        mark for mark, on in (("blocked", row.status == "blocked"), ("staff", row.role == "staff")) if on
    ]
    if row.suspected_at is not None:
        marks.append(f"suspected since {row.suspected_at:%Y-%m-%d}")
    return "  ".join([row.hash[:12], whose, *marks])
