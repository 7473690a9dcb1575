"""`tongzhan soak`: random faults against the whole system, then a check of every point."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

ENGINES = ("iotcore-sqlite", "mosquitto-postgres")


@click.command()
@click.option("--seed", type=int, default=None, help="Repeat the same faults at the same moments.")
@click.option(
    "--kills", type=click.IntRange(0, 100_000), default=15, show_default=True, help="Number of kill -9."
)
@click.option(
    "--engine", type=click.Choice(ENGINES), default=ENGINES[0], show_default=True, help="Broker and database."
)
@click.option(
    "--visits",
    type=click.IntRange(0),
    default=50,
    show_default=True,
    help="Continue until so many visits are recorded.",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep journals, ledger and logs in this empty folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def soak(*, seed: int | None, kills: int, engine: str, visits: int, keep: Path | None, as_json: bool) -> int:
    """Kill, cut, fill and restore a whole community at random; then check every point.

    Three stations, their sync processes, a broker, a database and the ledger's workers run as separate
    processes. Each visit is priced again from what the simulated residents threw in. Exit status 1 if
    anything was lost, counted twice or priced wrongly, or if a lid opened that should not.
    """
    from scripts.soak.context import Wishes
    from scripts.soak.play import soak as run
    from scripts.soak.report import summary
    from scripts.soak.system import PORTS
    from scripts.testbed.engines import Tier
    from scripts.testbed.ports import free_ports

    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(message)s", stream=sys.stderr)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a clean end, as with Ctrl-C
    drawn = seed if seed is not None else int.from_bytes(os.urandom(4))
    with _folder(keep) as root:
        wishes = Wishes(root, drawn, kills, Tier(engine), visits, free_ports(PORTS))
        report = run(wishes, lambda line: click.echo(line, err=True))
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        click.echo("\n".join([*report.timeline, summary(report)]))
    return 0 if report.ok else 1


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Yield the named folder, or else a temporary one that is removed at the end."""
    if keep is not None:
        from config.errors import InputError

        if keep.exists() and any(keep.iterdir()):
            raise InputError(f"{keep} is not empty", "name a new folder with --keep")
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.absolute()
        return
    root = Path(tempfile.mkdtemp(prefix="tongzhan-soak-"))
    root.chmod(0o711)  # PostgreSQL and mosquitto run as other users where we are root
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)
