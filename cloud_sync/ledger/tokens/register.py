"""Makes, finds and revokes tokens: `tz_KEY_SECRET`, shown once; only the secret's digest is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Q

from cloud_sync.ledger.audit.write import write
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.decisions import said
from cloud_sync.ledger.points.posting import atomically
from cloud_sync.ledger.stations.models import Community
from cloud_sync.ledger.tokens.models import Token
from config.errors import InputError
from config.reading import typed

LONGEST = timedelta(days=366)
NOTED = timedelta(minutes=5)
"""Shortest time between two notes of when a token was used."""
MAX_LABEL = 64
KEY_BYTES, SECRET_BYTES = 8, 32
LIST = "see: tongzhan ledger token list --config F"
_FORM = re.compile(rf"tz_([0-9a-f]{{{2 * KEY_BYTES}}})_([0-9a-f]{{{2 * SECRET_BYTES}}})")
_NOBODYS = "0" * 64
"""A digest that no secret has; compared where there is no token, so that both take the same time."""


class TokenScope(StrEnum):
    """What a token may read."""

    STATIONS = "stations:read"
    ALARMS = "alarms:read"
    BALANCES = "balances:read"


@atomically
def add_token(  # noqa: PLR0913, PLR0917 (the parts of a token)
    label: str,
    scopes: Collection[TokenScope],
    community: Community | None,
    days: int,
    by: str,
    reason: str,
    now: datetime,
) -> str:
    """Make a token and return it, for the only time; InputError for values that cannot be."""
    by, reason = said(by, reason)
    name = typed.line("what uses the token", label, MAX_LABEL)
    if not scopes:
        raise InputError("the token may read nothing", f"give a scope: {', '.join(TokenScope)}")
    if not timedelta(0) < timedelta(days=days) <= LONGEST:
        raise InputError(f"{days} days is no time for a token", f"give 1 to {LONGEST.days} days")
    key, secret = secrets.token_hex(KEY_BYTES), secrets.token_hex(SECRET_BYTES)
    row = Token(
        key=key,
        digest=_digest(secret),
        label=name,
        scopes=" ".join(sorted(set(scopes))),
        community=community,
        made_at=now,
        ends_at=now + timedelta(days=days),
        by=by,
        reason=reason,
    )
    write(row, Deed.ISSUE_TOKEN, by=by, reason=reason, now=now)
    return f"tz_{key}_{secret}"


def find_token(text: str, now: datetime) -> Token | None:
    """Return the token that a caller showed, if it counts now; note that it was used."""
    parts = _FORM.fullmatch(text)
    key, secret = parts.groups() if parts else ("", "")
    row = Token.objects.select_related("community").filter(key=key).first()
    is_right = hmac.compare_digest(_NOBODYS if row is None else row.digest, _digest(secret))
    if row is None or not is_right or row.revoked_at is not None or row.ends_at <= now:
        return None
    is_stale = Q(used_at__isnull=True) | Q(used_at__lt=now - NOTED)
    if row.used_at is None or row.used_at < now - NOTED:
        Token.objects.filter(is_stale, pk=row.pk).update(used_at=now)
    return row


@atomically
def revoke_token(key: str, by: str, reason: str, now: datetime) -> None:
    """End a token at once; InputError for an unknown one, one that was revoked, or without who and why."""
    by, reason = said(by, reason)
    row = Token.objects.select_for_update(of=("self",)).filter(key=typed.slug(key), revoked_at=None).first()
    if row is None:
        raise InputError(f"no token {key[:32]} that could be revoked", LIST)
    ended = {"revoked_at": now, "revoked_by": by, "revoked_why": reason}
    write(row, Deed.ISSUE_TOKEN, by=by, reason=reason, now=now, **ended)


def tokens() -> list[Token]:
    """Return every token that was ever made, the newest first."""
    return list(Token.objects.select_related("community").order_by("-made_at", "-pk"))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
