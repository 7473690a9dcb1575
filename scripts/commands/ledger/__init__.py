"""`tongzhan ledger`: make, feed, serve, guard, keep and audit a town's ledger."""

from __future__ import annotations

import click

from config.errors import InputError
from scripts.commands.ledger.api.tokens import token
from scripts.commands.ledger.broker import broker
from scripts.commands.ledger.cards import card
from scripts.commands.ledger.common import database_errors
from scripts.commands.ledger.community.facts import community
from scripts.commands.ledger.corrections import correct, debt
from scripts.commands.ledger.fleet.alarms import alarm
from scripts.commands.ledger.fleet.command import station_command
from scripts.commands.ledger.fleet.show import station_show
from scripts.commands.ledger.households import household, staff
from scripts.commands.ledger.keeping import backup, manage, published, restore
from scripts.commands.ledger.officers import officer
from scripts.commands.ledger.preview import preview
from scripts.commands.ledger.review import aside, held
from scripts.commands.ledger.running import ingest, init, serve, verify, worker
from scripts.commands.ledger.stations import station


class LedgerGroup(click.Group):
    """Reports an error of the database in one line."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the named command."""
        try:
            return super().invoke(ctx)
        except database_errors() as error:
            said = (str(error).splitlines() or [type(error).__name__])[0]
            mend = "nothing was changed; mend it, then run the command again"
            if "UTF-8" in said:  # SQLite stores any bytes as text, and names no row
                mend = "see which row: tongzhan ledger verify --config F"
            raise InputError(f"the database refused: {said}", mend) from error


@click.group(cls=LedgerGroup)
def ledger() -> None:
    """Serve, feed and verify a town's ledger."""


RUNNING = (init, serve, ingest, verify, backup, restore, broker, manage)
REGISTERS = (community, station, worker, household, card, staff, officer, token, published)
DECISIONS = (alarm, aside, held, correct, debt, preview)

station.add_command(station_show)
station.add_command(station_command)
for command in (*RUNNING, *REGISTERS, *DECISIONS):
    ledger.add_command(command)
