"""`tongzhan ledger token`: tokens by which programs read over the API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scripts.commands.ledger.common import (
    by_option,
    community_option,
    config_option,
    echo_json,
    json_option,
    open_community,
    open_town,
    reason_option,
)

if TYPE_CHECKING:
    from datetime import datetime

    from cloud_sync.ledger.tokens.models import Token

SCOPES = ["stations:read", "alarms:read", "balances:read"]
"""Not imported, for --help would then load all of Django; a test holds them equal."""


@click.group("token")
def token() -> None:
    """Make, list and revoke tokens by which programs read over the API."""


@token.command("add")
@config_option
@community_option
@click.option("--town", is_flag=True, help="For every community of the town.")
@click.option(
    "--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True, help="What it may read."
)
@click.option("--days", type=int, default=90, show_default=True, help="When it ends; a year at most.")
@by_option
@reason_option
@click.argument("label")
def token_add(  # noqa: PLR0913, PLR0917 (one parameter an option)
    config: Path,
    community: str | None,
    scopes: tuple[str, ...],
    days: int,
    by: str,
    reason: str,
    label: str,
    *,
    town: bool,
) -> None:
    """Make a token for the program LABEL and print it, for the only time: the ledger keeps its digest.

    It reads the only community, the one that --community names, or with --town all of them.
    """
    if town and community is not None:
        raise click.UsageError("Give --community or --town, not both.")
    open_town(config)
    from django.utils import timezone

    from cloud_sync.ledger.tokens.register import TokenScope, add_token

    place = None if town else open_community(config, community)
    wanted = [TokenScope(scope) for scope in scopes]
    click.echo(add_token(label, wanted, place, days, by, reason, timezone.now()))


@token.command("list")
@config_option
@json_option
def token_list(config: Path, *, as_json: bool) -> None:
    """Print every token: what it reads and where, until when, and when it was last used; never its secret."""
    open_town(config)
    from django.utils import timezone

    from cloud_sync.ledger.tokens.register import tokens

    found = tokens()
    if as_json:
        echo_json([_as_json(row) for row in found])
        return
    for row in found:
        click.echo(_line(row, timezone.now()))
    if not found:
        add = "tongzhan ledger token add LABEL --scope … --community SLUG --config F"
        click.echo(f"no token was made yet; make one: {add}")


@token.command("revoke")
@config_option
@by_option
@reason_option
@click.argument("key")
def token_revoke(config: Path, by: str, reason: str, key: str) -> None:
    """End the token KEY at once, as `token list` names it."""
    open_town(config)
    from django.utils import timezone

    from cloud_sync.ledger.tokens.register import revoke_token

    revoke_token(key, by, reason, timezone.now())
    click.echo(f"token {key} is revoked")


def _line(row: Token, now: datetime) -> str:
    place = "the town" if row.community is None else row.community.slug
    until = f"until {row.ends_at:%Y-%m-%d}" if row.ends_at > now else f"ended {row.ends_at:%Y-%m-%d}"
    if row.revoked_at is not None:
        until = f"revoked {row.revoked_at:%Y-%m-%d} by {row.revoked_by}: {row.revoked_why}"
    used = f"last used {row.used_at:%Y-%m-%d %H:%M} UTC" if row.used_at else "never used"
    return f"{row.key}  {row.label}  {place}  {row.scopes}  {until}  {used}  by {row.by}: {row.reason}"


def _as_json(row: Token) -> dict[str, object]:
    def when(moment: datetime | None) -> str | None:
        return None if moment is None else moment.isoformat()

    return {
        "key": row.key,
        "label": row.label,
        "community": None if row.community is None else row.community.slug,
        "scopes": row.scopes.split(),
        "made": when(row.made_at),
        "ends": when(row.ends_at),
        "by": row.by,
        "reason": row.reason,
        "revoked": when(row.revoked_at),
        "revoked_by": row.revoked_by or None,
        "used": when(row.used_at),
    }
