"""Codes by which stations enrol: made for a station's name, taken back, listed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from django.db.models import QuerySet

from cloud_sync.ledger.audit.write import write
from cloud_sync.ledger.enrolment.models import Invitation
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.decisions import said
from cloud_sync.ledger.points.posting import atomically
from cloud_sync.ledger.stations.models import Community
from cloud_sync.ledger.stations.registry import admit_station, find_station
from cloud_sync.wire.enrolment import proof_key
from cloud_sync.wire.enrolment_code import (
    NUMBER_BYTES,
    SECRET_BYTES,
    EnrolmentCode,
    ledger_name,
    usual_port,
)
from config.errors import InputError
from config.ledger import LedgerSettings
from config.reading.common import LOOPBACK

VALID = timedelta(minutes=15)
WRONG_PROOFS = "*"
"""`ended_by` of an invitation that wrong proofs ended."""
LATELY = timedelta(days=1)
"""How long a code that is over is still listed."""


class CodeStanding(StrEnum):
    """What has become of an invitation."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    TAKEN_BACK = "taken_back"
    WRONG = "wrong"
    """Wrong proofs ended it."""


@dataclass(frozen=True, slots=True)
class LedgerPlace:
    """Where stations reach this ledger, and the key by which they know it."""

    host: str
    port: int
    tls: bool
    public_key: bytes


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation that was just made, with the code that is shown once."""

    row: Invitation
    code: EnrolmentCode


def place_of(settings: LedgerSettings, public_key: bytes) -> LedgerPlace:
    """Return where stations reach this ledger; InputError if they could not, or not safely."""
    parts = urlsplit(settings.url)
    host, tls = parts.hostname or "", parts.scheme == "https"
    if host in {"0.0.0.0", "::"} or (not tls and host not in LOOPBACK):  # noqa: S104 (compared, not bound)
        raise InputError(
            f"stations cannot reach {settings.url} safely",
            "set public_url under [pages] to the https:// address of the ledger's pages",
        )
    return LedgerPlace(host, parts.port or usual_port(tls=tls), tls, public_key)


@atomically
def invite(  # noqa: PLR0913 (one parameter a fact)
    community: Community,
    slug: str,
    place: LedgerPlace,
    *,
    by: str,
    reason: str,
    now: datetime,
    name_zh: str = "",
    name_en: str = "",
) -> Invited:
    """Make a code for a station, which is admitted if it is new; an open code of it ends.

    InputError for an invalid name, for a retired station, and without who and why.
    """
    by, reason = said(by, reason)
    station = admit_station(community, slug, now, name_zh=name_zh, name_en=name_en)
    station = find_station(community, station.slug)
    for earlier in _open_ones(station.invitations.all()):
        write(earlier, Deed.ADD_STATION, by=by, reason=reason, now=now, ended_at=now, ended_by=by)
    secret = secrets.token_bytes(SECRET_BYTES)
    number = secrets.token_bytes(NUMBER_BYTES)
    row = Invitation(
        station=station,
        number=number.hex(),
        proof_key=proof_key(secret),
        made_at=now,
        expires_at=now + VALID,
        by=by,
        reason=reason,
    )
    write(row, Deed.ADD_STATION, by=by, reason=reason, now=now)
    name = ledger_name(place.public_key)
    return Invited(row, EnrolmentCode(place.host, place.port, place.tls, number, name, secret))


@atomically
def take_back(community: Community, number: str, by: str, now: datetime) -> bool:
    """End an open code; return whether it was open. InputError without a name."""
    by, _ = said(by, "taken back")
    found = Invitation.objects.filter(station__community=community, number=number)
    row = _open_ones(found).select_for_update().first()
    return row is not None and write(row, Deed.ADD_STATION, by=by, now=now, ended_at=now, ended_by=by)


def standing(row: Invitation, now: datetime) -> CodeStanding:
    """Return what has become of an invitation; its expiry is computed, by the ledger's clock."""
    if row.used_at is not None:
        return CodeStanding.USED
    if row.ended_at is not None:
        return CodeStanding.WRONG if row.ended_by == WRONG_PROOFS else CodeStanding.TAKEN_BACK
    return CodeStanding.OPEN if now < row.expires_at else CodeStanding.EXPIRED


def lately(communities: Sequence[Community], now: datetime) -> list[Invitation]:
    """Return the codes of the last day, newest first."""
    return list(
        Invitation.objects.filter(station__community__in=communities, made_at__gt=now - LATELY)
        .select_related("station__community", "used_by")
        .order_by("-made_at", "-pk")[:50]
    )


def _open_ones(rows: QuerySet[Invitation]) -> QuerySet[Invitation]:
    return rows.filter(used_at=None, ended_at=None)
