"""`tongzhan ledger backup · restore`."""

from __future__ import annotations

from pathlib import Path

import click

from scripts.commands.ledger.common import config_option

folder = click.Path(path_type=Path, file_okay=False)


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
