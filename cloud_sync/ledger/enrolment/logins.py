"""The stations' users at the broker: who may connect, by which passwords."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Max

from cloud_sync.ledger.broker.users import hashed, station_login
from cloud_sync.ledger.enrolment.models import BrokerLogin
from cloud_sync.ledger.stations.models import Community, Station

SALT_BYTES = 12
PASSWORD_BYTES = 24


@dataclass(frozen=True, slots=True)
class Fresh:
    """A user that was just made, with the password that nobody else has."""

    row: BrokerLogin
    password: str

    def __repr__(self) -> str:
        """Show no password: it must not reach a log."""
        return f"Fresh({self.row}, …)"


@dataclass(frozen=True, slots=True)
class CommunityUsers:
    """The users of one community's stations, as the broker is to know them."""

    by_file: frozenset[str] = frozenset()
    """Stations whose password `tongzhan ledger broker` draws and leaves in a file for their owner."""
    kept: frozenset[str] = frozenset()
    """Stations that keep such a password while they have it, beside one that they enrolled for."""
    logins: Mapping[str, str] = field(default_factory=dict)
    """Users of stations that enrolled, with the hashes of their passwords."""


def draw_login(station: Station, now: datetime) -> Fresh:
    """Make a further user for a station; those before it stay until this one is proved. In a transaction."""
    last = BrokerLogin.objects.filter(station=station).aggregate(last=Max("number"))["last"] or 0
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    row = BrokerLogin.objects.create(
        station=station,
        number=last + 1,
        user=station_login(station.community.slug, station.slug, last + 1),
        hash=hashed(password, secrets.token_bytes(SALT_BYTES)),
        since=now,
    )
    return Fresh(row, password)


def prove_login(station: Station, number: int, now: datetime) -> bool:
    """Note that a station uses a login, and end those before it; return whether it has such a one."""
    found = BrokerLogin.objects.filter(station=station, number=number, ended_at=None)
    if not found.exists():
        return False
    found.filter(proved_at=None).update(proved_at=now)
    BrokerLogin.objects.filter(station=station, number__lt=number, ended_at=None).update(ended_at=now)
    return True


def broker_users(community: Community) -> CommunityUsers:
    """Return who of a community's active stations may connect.

    A station that was invited and never enrolled has no user yet.
    """
    active = community.stations.filter(active=True)
    alive = list(BrokerLogin.objects.filter(station__in=active, ended_at=None).select_related("station"))
    enrolled = {row.station.slug for row in alive}
    proved = {row.station.slug for row in alive if row.proved_at is not None}
    with_keys = set(active.filter(keys__retired_at=None, keys__isnull=False).values_list("slug", flat=True))
    return CommunityUsers(
        by_file=frozenset(with_keys - enrolled),
        kept=frozenset(enrolled - proved),
        logins={row.user: row.hash for row in sorted(alive, key=lambda row: row.user)},
    )
