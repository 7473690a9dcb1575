"""Which stations the ledger listens to, and by which keys it knows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import transaction
from django.db.models import Max, Sum
from django.db.models.functions import Coalesce

from cloud_sync.ledger.chain import records
from cloud_sync.ledger.stations.models import Community, EventState, Station, StationKey
from cloud_sync.wire.envelope import key_id
from config.errors import InputError
from config.reading import typed
from config.wiring import Slug


def add_station(community: Community, slug: str, public_key: str, now: datetime | None = None) -> Station:
    """Admit a station by the hex of its Ed25519 public key; again does no harm.

    Visits that it dates before the day of `now` wait for a person.

    A further key for a station that is here is admitted beside the first. InputError for a name or
    a key that cannot be one, for a station that was retired, and for a key that is another's or was retired.
    """
    name = _slug(slug)
    key = _public_key(public_key)
    with transaction.atomic():
        station, is_new = Station.objects.get_or_create(
            community=community, slug=name, defaults={"admitted_at": now}
        )
        if is_new:
            records.register(community.pk, "admitted", station)
        if not station.active:
            raise InputError(f"station {name} is retired", "admit another under a new name")
        stored, is_new = StationKey.objects.get_or_create(
            key_id=key_id(key), defaults={"station": station, "public": key.public_bytes_raw()}
        )
        if is_new:
            records.register(community.pk, "key", stored)
        if stored.station_id != station.pk:
            raise InputError(f"key {stored} belongs to station {stored.station}", "make a new key")
        if stored.retired_at is not None:
            raise InputError(f"key {stored} of station {station} was retired", "make a new key")
    return station


def retire_station(community: Community, slug: str, now: datetime) -> int:
    """Take no more from a station; how many keys ended with it. InputError if there is no such station."""
    with transaction.atomic():
        station = find_station(community, slug)
        station.active = False
        station.save(update_fields=["active"])
        records.register(community.pk, "retired", station, now)
        return len(_retire(list(station.keys.filter(retired_at=None)), now))


def retire_key(community: Community, slug: str, key: str, now: datetime) -> StationKey:
    """Believe a station's key no longer; again does no harm. InputError for its last one, or no key of it."""
    with transaction.atomic():
        station = find_station(community, slug)
        found = station.keys.filter(key_id=typed.hexadecimal(key)).first()
        if found is None:
            raise InputError(
                f"station {slug} has no key {key}", "see: tongzhan ledger station list --config F"
            )
        if found.retired_at is None:
            if not station.keys.filter(retired_at=None).exclude(pk=found.pk).exists():
                mend = (
                    f"admit the new key first: tongzhan ledger station add {slug} --public-key HEX --config F"
                )
                raise InputError(f"{key} is the only key of station {slug}", mend)
            _retire([found], now)
        return found


def _retire(keys: Sequence[StationKey], now: datetime) -> Sequence[StationKey]:
    for key in keys:
        key.retired_at = now
        key.save(update_fields=["retired_at"])
        records.register(key.station.community_id, "key_retired", key, now)
    return keys


@dataclass(frozen=True, slots=True)
class Rotated:
    """A station's keys after a change: the new one, those believed beside it, those believed no longer."""

    key: str
    beside: tuple[str, ...]
    retired: tuple[StationKey, ...]


def rotate_key(
    community: Community, slug: str, public_key: str, now: datetime, *, retire_old: bool
) -> Rotated:
    """Give a station that is here a new key, and with `retire_old` let it be the only one.

    Again does no harm. InputError for a station that is not here or is retired, else as `add_station`.
    """
    with transaction.atomic():
        station = find_station(community, slug)
        if not station.active:
            raise InputError(f"station {slug} is retired", "admit another under a new name")
        add_station(community, slug, public_key)
        key = key_id(_public_key(public_key))
        others = station.keys.exclude(key_id=key).order_by("pk")
        if retire_old:
            _retire(list(others.filter(retired_at=None)), now)
        beside = tuple(row.key_id for row in others if row.retired_at is None)
        return Rotated(key, beside, tuple(row for row in others if row.retired_at is not None))


def active_stations(community: Community) -> list[str]:
    """The names of the stations that are listened to, in order."""
    return sorted(community.stations.filter(active=True).values_list("slug", flat=True))


@dataclass(frozen=True, slots=True)
class Listed:
    """One station in a list of them."""

    slug: str
    active: bool
    heard: datetime | None
    """When a batch last came."""
    delivered: int
    """Events that it may forget."""
    aside: int
    keys: tuple[str, ...]
    """Those that are believed."""
    daily_mint_limit: int | None
    """Points that it may bring in a day, where that is not what the community's stations may."""

    def as_json(self) -> dict[str, object]:
        """For a script."""
        heard = self.heard.isoformat() if self.heard else None
        return {**asdict(self), "heard": heard, "keys": list(self.keys)}

    def told(self) -> str:
        """For a person, in a line."""
        if not self.active:
            return f"{self.slug}: retired, {self.delivered} events"
        heard = f"heard {self.heard:%Y-%m-%d %H:%M} UTC" if self.heard else "never heard"
        aside = f", {self.aside} set aside" if self.aside else ""
        limit = "" if self.daily_mint_limit is None else f", {self.daily_mint_limit} points a day"
        keys = ", ".join(self.keys) or "none"
        return f"{self.slug}: {heard}, {self.delivered} events{aside}{limit}, keys {keys}"


def stations(community: Community) -> list[Listed]:
    """Every station that ever was, by name."""
    return [_listed(station) for station in community.stations.order_by("slug")]


def _listed(station: Station) -> Listed:
    epochs = station.epochs.aggregate(heard=Max("updated"), delivered=Coalesce(Sum("through"), 0))
    return Listed(
        slug=station.slug,
        active=station.active,
        aside=station.events.filter(state=EventState.REFUSED).count(),
        keys=tuple(station.keys.filter(retired_at=None).order_by("pk").values_list("key_id", flat=True)),
        daily_mint_limit=station.daily_mint_limit,
        **epochs,
    )


def find_station(community: Community, slug: str) -> Station:
    """The station of that name, locked; within a transaction. InputError if there is none."""
    name = typed.slug(slug)
    station = community.stations.select_for_update().filter(slug=name).first()
    if station is None:
        raise InputError(f"no station {name} in {community}", "see: tongzhan ledger station list --config F")
    return station


def _slug(text: str) -> str:
    try:
        return msgspec.convert(typed.slug(text), type=Slug)
    except msgspec.ValidationError:
        what = f"station {text!r} is no name for a topic"
        raise InputError(what, "use lower-case letters, digits and hyphens, 32 at most") from None


def _public_key(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(typed.hexadecimal(text)))
    except ValueError:
        raise InputError(f"{text!r} is no Ed25519 public key", "give its 64 hex digits") from None
