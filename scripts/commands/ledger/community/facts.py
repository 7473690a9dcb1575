"""`tongzhan ledger community`: which communities the town has, and what each is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from config.ledger import MOST_POINTS, SHIPPED_RULES
from scripts.commands.ledger.common import (
    by_option,
    config_option,
    echo_json,
    json_option,
    open_town,
    reason_option,
)
from scripts.commands.ledger.community.moving import export, import_, move_out

SETTABLE = ("name_zh", "name_en", "timezone", "language", "sorting", "daily_mint_limit")
Command = Callable[..., Any]


def _facts(*, required: bool) -> Callable[[Command], Command]:
    """The options that say what a community is."""
    options = (
        click.option("--name-zh", required=required, metavar="NAME", help="Its Chinese name: 阳光花园."),
        click.option("--name-en", required=required, metavar="NAME", help="Its English name: Sunny Garden."),
        click.option("--timezone", metavar="ZONE", help="Its time zone: Asia/Shanghai."),
        click.option(
            "--language",
            type=click.Choice(["zh", "en"]),
            help="Of its pages, where a browser asks for neither.",
        ),
        click.option("--sorting", metavar="CITY", help="beijing, shanghai, or a TOML file of its own."),
        click.option(
            "--rules",
            multiple=True,
            metavar="FILE",
            help="A version of the award rules, a TOML file; repeat for more.",
        ),
        click.option(
            *("--mint-limit", "daily_mint_limit"),
            type=click.IntRange(0, MOST_POINTS),
            help="Points that one station may bring in a day; what goes beyond waits for a person.",
        ),
    )

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@click.group()
def community() -> None:
    """Add, list and change the communities that this ledger serves."""


@community.command("add")
@config_option
@_facts(required=True)
@click.argument("slug")
def community_add(config: Path, slug: str, rules: tuple[str, ...], **given: Any) -> None:  # noqa: ANN401 (options)
    """Add a community: its names, its accounts, its chain, its card key. Again with the same changes nothing.

    Without other options it has the time zone of ledger.toml, Beijing's sorting and the rules that ship.
    """
    settings = open_town(config)
    from cloud_sync.ledger.communities.facts import Facts
    from cloud_sync.ledger.communities.register import add_community, check_free
    from cloud_sync.ledger.db.database import load_rules
    from cloud_sync.ledger.keys import make_card_key

    facts = Facts(**{"timezone": settings.ledger.timezone} | _given(given))
    versions = load_rules(rules or SHIPPED_RULES, named_by="--rules")
    name = check_free(slug, facts)
    file = make_card_key(settings.state_dir, name)
    click.echo(f"community {add_community(name, facts, versions)} is here; its card key is {file}")
    click.echo(
        "let its stations in at the broker: tongzhan ledger broker --config F --out FOLDER --host HOST, "
        "then reload mosquitto"
    )


@community.command("list")
@config_option
@json_option
def community_list(config: Path, *, as_json: bool) -> None:
    """Print each community: its names, zone, language, sorting, rules, limit, stations and households."""
    open_town(config)
    from cloud_sync.ledger.communities.listing import summary
    from cloud_sync.ledger.communities.register import ADD, all_communities

    found = [summary(one) for one in all_communities()]
    if as_json:
        echo_json([row.as_json() for row in found])
        return
    for row in found:
        click.echo(row.line())
    if not found:
        click.echo(f"no community yet; {ADD}")


@community.command("show")
@config_option
@json_option
@click.argument("slug")
def community_show(config: Path, slug: str, *, as_json: bool) -> None:
    """Print what a community is, where its card key lies, where it came from or went, and every change."""
    settings = open_town(config)
    from cloud_sync.ledger.communities.listing import change_lines, changes, summary
    from cloud_sync.ledger.communities.register import find_community
    from cloud_sync.ledger.keys import card_key_file
    from cloud_sync.ledger.moving.listing import move_lines, moves

    found = find_community(slug)
    row, past = summary(found), changes(found)
    file = card_key_file(settings.state_dir, found.slug)
    if as_json:
        echo_json(row.as_json() | {"card_key": str(file), "changes": past, "moves": moves(found)})
        return
    click.echo(row.line())
    click.echo(f"card key: {file}")
    for line in move_lines(found):
        click.echo(line)
    for line in change_lines(past):
        click.echo(line)


@community.command("set")
@config_option
@by_option
@reason_option
@_facts(required=False)
@click.argument("slug")
def community_set(
    config: Path,
    by: str,
    reason: str,
    slug: str,
    rules: tuple[str, ...],
    **given: Any,  # noqa: ANN401 (options)
) -> None:
    """Change what a community is, from now on; who, when, why, and what it was before, are kept.

    --rules adds a version: what stations send names the version that it was priced by.
    """
    wanted = _given(given)
    if not wanted and not rules:
        raise click.UsageError("Give at least one option that says what to change.")
    open_town(config)
    from django.utils import timezone

    from cloud_sync.ledger.communities.listing import summary
    from cloud_sync.ledger.communities.register import change_community, find_community
    from cloud_sync.ledger.db.database import load_rules

    found = find_community(slug)
    versions = load_rules(rules, named_by="--rules")
    changed = change_community(found, wanted, versions, by, reason, timezone.now())
    found.refresh_from_db()
    click.echo(summary(found).line() + ("" if changed else ", as before"))


community.add_command(move_out)
community.add_command(export)
community.add_command(import_)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """What was typed of the options that say what a community is."""
    return {name: options[name] for name in SETTABLE if options[name] is not None}
