"""`tongzhan ledger`: make, feed, serve, guard, keep and audit a community's ledger."""

from __future__ import annotations

import click

from scripts.commands.ledger.broker import broker
from scripts.commands.ledger.households import household, staff
from scripts.commands.ledger.keeping import backup, restore
from scripts.commands.ledger.running import ingest, init, serve, verify
from scripts.commands.ledger.stations import station


@click.group()
def ledger() -> None:
    """Serve, feed and verify the community's ledger."""


for command in (init, serve, ingest, verify, station, household, staff, broker, backup, restore):
    ledger.add_command(command)
