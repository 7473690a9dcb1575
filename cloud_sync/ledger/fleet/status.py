"""How stations are now, as values: online or since when silent, and what each said last."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from cloud_sync.ledger.fleet.models import StationStatus
from cloud_sync.ledger.stations.models import Community, Station
from cloud_sync.wire.station_state import StationState
from config.errors import InputError
from config.reading import typed

MISSED = timedelta(seconds=90)
"""After so long without a message a station counts as offline though no last will came."""
NOTHING_SAID = StationState(online=False)


class Condition(StrEnum):
    """How a station is; its icon has the same name."""

    ONLINE = "online"
    OFFLINE = "offline"
    NEVER = "never"
    """It was admitted, and has never said how it is."""


@dataclass(frozen=True, slots=True)
class StationNow:
    """One station as it is now."""

    station: Station
    condition: Condition
    heard_at: datetime | None
    """When its last words came: while it is offline, since when it is silent."""
    words: StationState
    """Its last words while it was online; NOTHING_SAID if there were none."""
    skew_s: float | None

    def as_json(self) -> dict[str, object]:
        """Return the values for a script; what the station did not say is null or empty."""
        words = self.words
        return {
            "condition": self.condition.value,
            "heard_state": self.heard_at.isoformat() if self.heard_at else None,
            "outbox": words.outbox,
            "clock_ahead_s": self.skew_s,
            "full": [bin_.id for bin_ in words.bins if bin_.full],
            "readings": msgspec.to_builtins(words.readings),
            "model": words.model,
            "versions": dict(words.versions),
        }


def standings(communities: Collection[Community], now: datetime) -> list[StationNow]:
    """Return the active stations of these communities, each with its community, by slug."""
    rows = Station.objects.filter(community__in=communities, active=True)
    with_all = rows.select_related("status", "community").order_by("community__slug", "slug")
    return [_standing(row, now) for row in with_all]


def standings_after(community: Community, after: str, most: int, now: datetime) -> list[StationNow]:
    """Return at most so many active stations of a community by slug, those after one."""
    rows = Station.objects.filter(community=community, active=True, slug__gt=after)
    with_all = rows.select_related("status", "community").order_by("slug")
    return [_standing(row, now) for row in with_all[:most]]


def count_online(communities: Collection[Community], now: datetime) -> tuple[int, int]:
    """Return how many active stations are online, and how many there are."""
    rows = Station.objects.filter(community__in=communities, active=True)
    online = rows.filter(status__online=True, status__heard_at__gt=now - MISSED)
    return online.count(), rows.count()


def standing_of(community: Community, slug: str, now: datetime) -> StationNow:
    """Return one active station of a community; InputError for none."""
    rows = Station.objects.filter(community=community, active=True, slug=typed.slug(slug))
    if (row := rows.select_related("status", "community").first()) is None:
        raise InputError(
            f"no station {slug!r} in {community}", "see: tongzhan ledger station list --config F"
        )
    return _standing(row, now)


def _standing(station: Station, now: datetime) -> StationNow:
    status: StationStatus | None = getattr(station, "status", None)
    if status is None:
        return StationNow(station, Condition.NEVER, None, NOTHING_SAID, None)
    words = msgspec.json.decode(status.words, type=StationState) if status.words else NOTHING_SAID
    condition = Condition.ONLINE if is_online(status, now) else Condition.OFFLINE
    return StationNow(station, condition, status.heard_at, words, status.skew_s)


def is_online(status: StationStatus, now: datetime) -> bool:
    """Say whether a station is connected and was heard a moment ago."""
    return status.online and status.heard_at is not None and now - status.heard_at < MISSED
