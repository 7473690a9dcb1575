"""`tongzhan ledger correct · debt`: take back points given by mistake, and manage what is still owed."""

from __future__ import annotations

from pathlib import Path

import click

from scripts.commands.ledger.common import (
    by_option,
    community_option,
    config_option,
    echo_json,
    json_option,
    open_communities,
    open_community,
    prefixed,
    reason_option,
)


@click.command()
@config_option
@community_option
@by_option
@reason_option
@click.argument("position", type=click.IntRange(1))
def correct(config: Path, community: str | None, by: str, reason: str, position: int) -> None:
    """Take back what the transfer at POSITION gave a household; what was spent becomes a debt.

    `tongzhan ledger household history CODE` names the positions.
    """
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.points.corrections import correct as take_back
    from cloud_sync.ledger.points.models import Transfer
    from config.errors import InputError

    transfer = Transfer.objects.filter(community=here, position=position).first()
    if transfer is None:
        mend = f"see: tongzhan ledger household history CODE --community {here} --config F"
        raise InputError(f"no transfer {position}", mend)
    done = take_back(transfer, by, reason, timezone.now())
    owed = f"; {done.debt.left} were spent and are owed, as debt {done.debt.pk}" if done.debt else ""
    click.echo(f"transfer {position}: {done.taken} points taken back{owed}")


@click.group()
def debt() -> None:
    """List what households owe after corrections, and forgive debts."""


@debt.command("list")
@config_option
@community_option
@json_option
def debt_list(config: Path, community: str | None, *, as_json: bool) -> None:
    """Print what is still owed, the oldest first."""
    places = open_communities(config, community)
    from cloud_sync.ledger.office.pending import open_debts

    found = open_debts(places)
    if as_json:
        echo_json(
            [
                {
                    "number": row.pk,
                    "community": row.household.community.slug,
                    "household": str(row.household),
                    "points": row.points,
                    "left": row.left,
                }
                for row in found
            ]
        )
        return
    line = prefixed(places)
    for row in found:
        told = f"{row.pk}  household {row.household} owes {row} ({row.decision})"
        click.echo(line(row.household.community.slug, told))
    if not found:
        click.echo("nobody owes anything")


@debt.command("forgive")
@config_option
@community_option
@by_option
@reason_option
@click.argument("number", type=int)
def debt_forgive(config: Path, community: str | None, by: str, reason: str, number: int) -> None:
    """Let a household off what it still owes."""
    here = open_community(config, community)
    from django.utils import timezone

    from cloud_sync.ledger.office.pending import find_debt
    from cloud_sync.ledger.points.corrections import forgive

    points = forgive(find_debt(here, number), by, reason, timezone.now())
    click.echo(f"debt {number}: {points} points forgiven")
