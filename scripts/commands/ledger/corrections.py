"""`tongzhan ledger correct · debt`: take back points given by mistake, and manage what is still owed."""

from __future__ import annotations

from pathlib import Path

import click

from scripts.commands.ledger.common import (
    by_option,
    config_option,
    echo_json,
    json_option,
    open_community,
    reason_option,
)


@click.command()
@config_option
@by_option
@reason_option
@click.argument("position", type=click.IntRange(1))
def correct(config: Path, by: str, reason: str, position: int) -> None:
    """Take back the points that the transfer at POSITION gave a household; spent points become a debt.

    `tongzhan ledger household history CODE` names the positions.
    """
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.points.corrections import correct as take_back
    from cloud_sync.ledger.points.models import Transfer
    from config.errors import InputError

    transfer = Transfer.objects.filter(community=community, position=position).first()
    if transfer is None:
        raise InputError(f"no transfer {position}", "see: tongzhan ledger household history CODE --config F")
    done = take_back(transfer, by, reason, timezone.now())
    owed = f"; {done.debt.left} were spent and are owed, as debt {done.debt.pk}" if done.debt else ""
    click.echo(f"transfer {position}: {done.taken} points taken back{owed}")


@click.group()
def debt() -> None:
    """List what households owe after corrections, and forgive debts."""


@debt.command("list")
@config_option
@json_option
def debt_list(config: Path, *, as_json: bool) -> None:
    """Print open debts, oldest first."""
    community = open_community(config)
    from cloud_sync.ledger.office.pending import open_debts

    found = open_debts(community)
    if as_json:
        echo_json(
            [
                {"number": row.pk, "household": str(row.household), "points": row.points, "left": row.left}
                for row in found
            ]
        )
        return
    for row in found:
        click.echo(f"{row.pk}  household {row.household} owes {row} ({row.decision})")
    if not found:
        click.echo("nobody owes anything")


@debt.command("forgive")
@config_option
@by_option
@reason_option
@click.argument("number", type=int)
def debt_forgive(config: Path, by: str, reason: str, number: int) -> None:
    """Forgive what is left of a household's debt."""
    community = open_community(config)
    from django.utils import timezone

    from cloud_sync.ledger.office.pending import find_debt
    from cloud_sync.ledger.points.corrections import forgive

    points = forgive(find_debt(community, number), by, reason, timezone.now())
    click.echo(f"debt {number}: {points} points forgiven")
