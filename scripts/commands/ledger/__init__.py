"""`tongzhan ledger`: make, feed, serve, guard, keep and audit a community's ledger."""

from __future__ import annotations

import click

from scripts.commands.ledger.broker import broker
from scripts.commands.ledger.corrections import correct, debt
from scripts.commands.ledger.households import household, staff
from scripts.commands.ledger.keeping import backup, restore
from scripts.commands.ledger.officers import officer
from scripts.commands.ledger.preview import preview
from scripts.commands.ledger.review import alarm, aside, held
from scripts.commands.ledger.running import ingest, init, serve, verify
from scripts.commands.ledger.stations import station


@click.group()
def ledger() -> None:
    """Serve, feed and verify the community's ledger."""


RUNNING = (init, serve, ingest, verify, backup, restore, broker)
REGISTERS = (station, household, staff, officer)
DECISIONS = (alarm, aside, held, correct, debt, preview)

for command in (*RUNNING, *REGISTERS, *DECISIONS):
    ledger.add_command(command)
