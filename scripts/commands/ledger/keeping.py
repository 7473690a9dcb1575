"""`tongzhan ledger backup · restore · published · manage`: put away, brought back, published again."""

from __future__ import annotations

from pathlib import Path

import click

from scripts.commands.ledger.common import (
    community_option,
    config_option,
    echo_json,
    json_option,
    open_communities,
    open_ledger,
    prefixed,
)

folder = click.Path(path_type=Path, file_okay=False)
NAME = "tongzhan ledger manage"
INSTEAD = {
    "changepassword": "tongzhan ledger officer password NAME --config F",
    "createsuperuser": "tongzhan ledger officer add NAME --role admin --reason WHY --config F",
    "flush": "a ledger is never emptied; make a new one: tongzhan ledger init --config F",
    "loaddata": "tongzhan ledger restore FOLDER --config F",
    "migrate": "tongzhan ledger init --config F",
    "runserver": "tongzhan ledger serve --config F",
    "testserver": "tongzhan ledger serve --config F",
}
"""Commands that would bypass a ledger's guarantees, and what to use instead."""


@click.command()
@config_option
@click.argument("to", type=folder)
def backup(config: Path, to: Path) -> None:
    """Copy database and keys, as they are now, into a new folder TO; the ledger may keep running."""
    from cloud_sync.ledger.db.backups import back_up
    from config.ledger import load_ledger

    back_up(load_ledger(config), to)
    click.echo(f"the ledger is in {to}; it holds the keys, so keep it as safe as the ledger itself")


@click.command()
@config_option
@click.option("--replace", is_flag=True, help="Replace the ledger that the database holds.")
@click.argument("source", type=folder)
def restore(config: Path, source: Path, *, replace: bool) -> None:
    """Restore a backup. Stations send again what came after it: they keep 30 days."""
    from cloud_sync.ledger.db.backups import restore as bring_back
    from config.ledger import load_ledger

    bring_back(load_ledger(config), source, replace=replace)
    click.echo("restored; now run: tongzhan ledger init --config F, then verify, then start the workers")


@click.command(context_settings={"ignore_unknown_options": True})
@config_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND [ARGUMENTS]...]")
def manage(config: Path, arguments: tuple[str, ...]) -> None:
    """Run one of Django's commands, such as showmigrations, dbshell or check; without COMMAND, list them.

    For developers and support. `manage --config F help COMMAND` explains a command.
    """
    open_ledger(config)
    from django.core.management import ManagementUtility, get_commands

    from config.errors import InputError

    known = sorted(set(get_commands()) - set(INSTEAD))
    if not arguments:
        click.echo("\n".join(known))
        return
    name = arguments[0]
    if name in INSTEAD:
        raise InputError(f"{NAME} does not run {name}", INSTEAD[name])
    if name not in {*known, "help", "version"}:
        raise InputError(f"Django has no command {name!r}", f"see: {NAME} --config F")
    ManagementUtility([NAME, *arguments]).execute()


@click.group()
def published() -> None:
    """Show what is published to stations, and publish it again after a backup was restored."""


@published.command("list")
@config_option
@community_option
@json_option
def published_list(config: Path, community: str | None, *, as_json: bool) -> None:
    """Print the version of each thing that stations fetch: roster and award rules."""
    places = open_communities(config, community)
    from cloud_sync.ledger.downlink.versions import present
    from cloud_sync.wire.publication import PublishedKind

    found = [(here.slug, kind, present(here, kind).version) for here in places for kind in PublishedKind]
    if as_json:
        echo_json([{"community": slug, "kind": kind, "version": version} for slug, kind, version in found])
        return
    line = prefixed(places)
    for slug, kind, version in found:
        click.echo(line(slug, f"{kind}: version {version}"))


@published.command("renew")
@config_option
@community_option
def published_renew(config: Path, community: str | None) -> None:
    """Give everything a new version, and so publish it again.

    Needed after a backup was restored: stations refuse a version that is older than what they hold.
    """
    places = open_communities(config, community)
    from cloud_sync.ledger.downlink.versions import renew
    from cloud_sync.wire.publication import PublishedKind

    line = prefixed(places)
    for here in places:
        for kind in PublishedKind:
            click.echo(line(here.slug, f"{kind}: version {renew(here, kind)}"))
