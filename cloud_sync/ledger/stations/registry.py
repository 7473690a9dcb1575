"""Which stations the ledger listens to, and by which keys it knows them."""

from __future__ import annotations

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import transaction

from cloud_sync.envelope import key_id
from cloud_sync.ledger.stations.models import Community, Station, StationKey
from config.errors import InputError
from config.wiring import Slug


def add_station(community: Community, slug: str, public_key: str) -> Station:
    """Admit a station by the hex of its Ed25519 public key; again does no harm.

    A further key for a station that is here is admitted beside the first. InputError for a name or
    a key that cannot be one, and for a key that is another station's or was retired.
    """
    name = _slug(slug)
    key = _public_key(public_key)
    with transaction.atomic():
        station, _ = Station.objects.get_or_create(community=community, slug=name)
        stored, _ = StationKey.objects.get_or_create(
            key_id=key_id(key), defaults={"station": station, "public": key.public_bytes_raw()}
        )
        if stored.station_id != station.pk:
            raise InputError(f"key {stored} belongs to station {stored.station}", "make a new key")
        if stored.retired_at is not None:
            raise InputError(f"key {stored} of station {station} was retired", "make a new key")
    return station


def _slug(text: str) -> str:
    try:
        return msgspec.convert(text, type=Slug)
    except msgspec.ValidationError:
        what = f"station {text!r} is no name for a topic"
        raise InputError(what, "use lower-case letters, digits and hyphens, 32 at most") from None


def _public_key(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
    except ValueError:
        raise InputError(f"{text!r} is no Ed25519 public key", "give its 64 hex digits") from None
