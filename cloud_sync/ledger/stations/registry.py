"""Admits, names and retires stations of a community, and manages their keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import transaction
from django.db.models import Max, Sum
from django.db.models.functions import Coalesce

from cloud_sync.ledger.audit.write import find_or_add, write
from cloud_sync.ledger.chain import records
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.decisions import said
from cloud_sync.ledger.stations.models import MAX_NAME, Community, EventState, Station, StationKey
from cloud_sync.wire.envelope import key_id
from config.errors import InputError
from config.reading import typed


def add_station(
    community: Community,
    slug: str,
    public_key: str,
    now: datetime | None = None,
    *,
    name_zh: str = "",
    name_en: str = "",
) -> Station:
    """Admit a station by the hex of its Ed25519 public key; repeating it changes nothing.

    Visits dated before the day of `now` will be held. A station that is admitted already keeps its names and
    gets a further key. InputError for an invalid slug, key or name, a retired station, and a key that
    belongs to another station or was retired.
    """
    key = _public_key(public_key)
    with transaction.atomic():
        station = admit_station(community, slug, now, name_zh=name_zh, name_en=name_en)
        of_key = {"station": station, "public": key.public_bytes_raw()}
        stored, is_new = find_or_add(StationKey, Deed.ROTATE_KEYS, of_key, now=now, key_id=key_id(key))
        if is_new:
            records.register(community.pk, "key", stored)
        if stored.station_id != station.pk:
            raise InputError(f"key {stored} belongs to station {stored.station}", "make a new key")
        if stored.retired_at is not None:
            raise InputError(f"key {stored} of station {station} was retired", "make a new key")
    return station


@transaction.atomic
def admit_station(
    community: Community, slug: str, now: datetime | None, *, name_zh: str = "", name_en: str = ""
) -> Station:
    """Admit a station without a key; one that is admitted already keeps its names.

    InputError for an invalid slug or name, and for a retired station.
    """
    name = typed.topic_name("station", slug)
    first = {"admitted_at": now, "name_zh": _plain_name(name_zh), "name_en": _plain_name(name_en)}
    station, is_new = find_or_add(Station, Deed.ADD_STATION, first, now=now, community=community, slug=name)
    if is_new:
        records.register(community.pk, "admitted", station)
    if not station.active:
        raise InputError(f"station {name} is retired", "admit another under a new name")
    return station


@transaction.atomic
def rename_station(  # noqa: PLR0913 (one parameter a fact)
    community: Community,
    slug: str,
    *,
    name_zh: str | None,
    name_en: str | None,
    by: str,
    reason: str,
    now: datetime,
) -> tuple[Station, bool]:
    """Change a station's names; None keeps one, empty removes it. Return the station and whether it changed.

    Who and why go into the register. InputError for an unknown station, and without who and why.
    """
    by, reason = said(by, reason)
    station = find_station(community, slug)
    given = {"name_zh": name_zh, "name_en": name_en}
    names: dict[str, object] = {key: _plain_name(text) for key, text in given.items() if text is not None}
    if not write(station, Deed.CHANGE_STATION, by=by, reason=reason, now=now, **names):
        return station, False
    records.register(community.pk, "renamed", station, now, by=by, reason=reason)
    return station, True


def retire_station(community: Community, slug: str, now: datetime) -> int:
    """Accept nothing more from a station; return how many keys that retired. InputError for none."""
    with transaction.atomic():
        station = find_station(community, slug)
        write(station, Deed.RETIRE_STATION, now=now, active=False)
        records.register(community.pk, "retired", station, now)
        return len(retire_keys(list(station.keys.filter(retired_at=None)), now))


def retire_key(community: Community, slug: str, key: str, now: datetime) -> StationKey:
    """Retire one key of a station; repeating it changes nothing.

    InputError for the station's last key, and for a key that is not one of its keys.
    """
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
                    f"admit the new key first: tongzhan ledger station add {slug} --public-key HEX "
                    f"--community {community} --config F"
                )
                raise InputError(f"{key} is the only key of station {slug}", mend)
            retire_keys([found], now)
        return found


def retire_keys(keys: Sequence[StationKey], now: datetime) -> Sequence[StationKey]:
    """Believe these keys no longer. Within a transaction."""
    for key in keys:
        write(key, Deed.ROTATE_KEYS, now=now, retired_at=now)
        records.register(key.station.community_id, "key_retired", key, now)
    return keys


@dataclass(frozen=True, slots=True)
class RotatedKeys:
    """A station's keys after a rotation: the new one, the others still in use, and the retired ones."""

    key: str
    others: tuple[str, ...]
    retired: tuple[StationKey, ...]


def rotate_key(
    community: Community, slug: str, public_key: str, now: datetime, *, retire_old: bool
) -> RotatedKeys:
    """Add a key to an admitted station; with `retire_old` retire all others.

    Repeating it changes nothing. InputError for an unknown or retired station, else as `add_station`.
    """
    with transaction.atomic():
        station = find_station(community, slug)
        if not station.active:
            raise InputError(f"station {slug} is retired", "admit another under a new name")
        add_station(community, slug, public_key)
        key = key_id(_public_key(public_key))
        rows = station.keys.exclude(key_id=key).order_by("pk")
        if retire_old:
            retire_keys(list(rows.filter(retired_at=None)), now)
        others = tuple(row.key_id for row in rows if row.retired_at is None)
        return RotatedKeys(key, others, tuple(row for row in rows if row.retired_at is not None))


@dataclass(frozen=True, slots=True)
class StationSummary:
    """One station in a list of them."""

    slug: str
    name_zh: str
    name_en: str
    active: bool
    heard: datetime | None
    """When its last batch came."""
    delivered: int
    """Events that the station may delete."""
    aside: int
    keys: tuple[str, ...]
    """Keys in use."""
    daily_mint_limit: int | None
    """Points a day; None: the community's limit holds."""

    def as_json(self) -> dict[str, object]:
        """Return the values for a script."""
        heard = self.heard.isoformat() if self.heard else None
        return {**asdict(self), "heard": heard, "keys": list(self.keys)}

    def line(self) -> str:
        """Return the values as one line for a person."""
        names = " · ".join(filter(None, (self.name_zh, self.name_en)))
        title = f"{self.slug} ({names})" if names else self.slug
        if not self.active:
            return f"{title}: retired, {self.delivered} events"
        heard = f"heard {self.heard:%Y-%m-%d %H:%M} UTC" if self.heard else "never heard"
        aside = f", {self.aside} set aside" if self.aside else ""
        limit = "" if self.daily_mint_limit is None else f", {self.daily_mint_limit} points a day"
        keys = ", ".join(self.keys) or "none"
        return f"{title}: {heard}, {self.delivered} events{aside}{limit}, keys {keys}"


def summaries(community: Community) -> list[StationSummary]:
    """Return every station that was ever admitted, by slug."""
    return [_summary(station) for station in community.stations.order_by("slug")]


def _summary(station: Station) -> StationSummary:
    epochs = station.epochs.aggregate(heard=Max("updated"), delivered=Coalesce(Sum("through"), 0))
    return StationSummary(
        slug=station.slug,
        name_zh=station.name_zh,
        name_en=station.name_en,
        active=station.active,
        aside=station.events.filter(state=EventState.REFUSED).count(),
        keys=tuple(station.keys.filter(retired_at=None).order_by("pk").values_list("key_id", flat=True)),
        daily_mint_limit=station.daily_mint_limit,
        **epochs,
    )


def find_station(community: Community, slug: str) -> Station:
    """Return the station of that slug with its row locked, within a transaction; InputError for none."""
    name = typed.slug(slug)
    station = community.stations.select_for_update().filter(slug=name).first()
    if station is None:
        raise InputError(f"no station {name} in {community}", "see: tongzhan ledger station list --config F")
    return station


def _plain_name(text: str) -> str:
    """Return a station's name as it is stored, which may be empty."""
    return typed.line("the station's name", text, MAX_NAME, may_be_empty=True)


def _public_key(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(typed.hexadecimal(text)))
    except ValueError:
        raise InputError(f"{text!r} is no Ed25519 public key", "give its 64 hex digits") from None
