"""`tongzhan ledger worker`: the names under which workers take what stations send."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from scripts.commands.ledger.common import config_option, open_ledger


@click.group()
def worker() -> None:
    """Give up the name of a worker (`tongzhan ledger ingest --worker NAME`)."""


@worker.command("forget")
@config_option
@click.argument("name")
def worker_forget(config: Path, name: str) -> None:
    """Have the broker drop what it keeps for a worker that will not come back; stop the worker first.

    Else the broker stores every batch for it, for as long as its configuration keeps a session.
    """
    settings = open_ledger(config)
    logging.basicConfig(level=logging.ERROR, format="%(message)s")  # why the broker refuses, if it does
    from cloud_sync.ledger.intake.broker_sessions import forget_worker

    click.echo(f"the broker keeps nothing for {forget_worker(settings, name)} any more")
