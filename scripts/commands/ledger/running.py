"""`tongzhan ledger init · serve · ingest · worker · verify`."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from scripts.commands.ledger.common import (
    community_option,
    config_option,
    echo_json,
    json_option,
    open_ledger,
)


@click.command()
@config_option
def init(config: Path) -> None:
    """Create keys and database, or upgrade them; safe to repeat."""
    from cloud_sync.ledger.install import init as make

    ready = make(config)
    click.echo(f"ready; stations check receipts by this public key: {ready.public_key}")
    for line in ready.lines:
        click.echo(line)


@click.command()
@config_option
def serve(config: Path) -> None:
    """Serve the web pages until stopped."""
    settings = open_ledger(config)
    from cloud_sync.ledger.site.logs import start_log
    from cloud_sync.ledger.site.serve import serve as run

    start_log()
    run(settings)


@click.command()
@config_option
@click.option("--worker", default="", metavar="NAME", help="This worker's name, if several run at once.")
def ingest(config: Path, worker: str) -> None:
    """Receive what stations send and answer with receipts until stopped."""
    settings = open_ledger(config)
    from cloud_sync.ledger.intake.worker import ingest as run
    from cloud_sync.ledger.site.logs import start_log

    start_log()
    run(settings, worker)


@click.group()
def worker() -> None:
    """Give up the name of a worker (`tongzhan ledger ingest --worker NAME`)."""


@worker.command("forget")
@config_option
@click.argument("name")
def worker_forget(config: Path, name: str) -> None:
    """Make the broker drop its session for a worker that will not come back; stop the worker first.

    Otherwise the broker stores every batch for it, for as long as its configuration keeps a session.
    """
    settings = open_ledger(config)
    logging.basicConfig(level=logging.ERROR, format="%(message)s")  # shows why the broker refuses, if it does
    from cloud_sync.ledger.intake.broker_sessions import forget_worker

    click.echo(f"the broker no longer keeps anything for {forget_worker(settings, name)}")


@click.command()
@config_option
@community_option
@json_option
@click.option(
    "--heads",
    is_flag=True,
    help="Also print each community's last link; a copy kept elsewhere proves later that nothing changed.",
)
def verify(config: Path, community: str | None, *, as_json: bool, heads: bool) -> int:
    """Check every sum and every link of the chain, of one community or all; exit 1 and name what is wrong."""
    settings = open_ledger(config)
    from cloud_sync.ledger.chain.audit import verify as audit
    from cloud_sync.ledger.communities.register import find_community
    from cloud_sync.ledger.db.database import check_version

    check_version(settings)
    result = audit(None if community is None else find_community(community))
    if result.ok and settings.ledger.community:  # whose rows can all be read: is it the right ledger?
        find_community(settings.ledger.community)
    for problem in result.problems:
        click.echo(problem, err=True)
    if as_json:
        echo_json(result.as_json(heads=heads))
    else:
        click.echo(", ".join(f"{name} {value}" for name, value in result.sums().items()))
        for slug, link in result.heads.items() if heads else ():
            click.echo(f"{slug}: {link or 'no transfer yet'}")
    return 0 if result.ok else 1
