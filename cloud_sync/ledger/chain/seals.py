"""Short hashes over rows; the register's records keep them to detect edits. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

import msgspec

from cloud_sync.ledger.chain.chain import microseconds

TAG_BYTES = 8
"""Bytes of a settlement's tag: enough to find an edited row, and cheap to store for every visit."""

SEALED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "stations_community": ("slug", "name_zh", "name_en", "timezone", "daily_mint_limit"),
        "stations_station": ("community_id", "slug", "active", "daily_mint_limit", "admitted_at"),
        "stations_stationkey": ("station_id", "key_id", "public", "retired_at"),
        "stations_dismissal": (
            *("community_id", "kind", "row", "by", "reason"),
            *("dismissed_at", "ended_at", "ended_by"),
        ),
        "points_rules": ("community_id", "version", "body"),
        "points_household": ("community_id", "code", "name", "salt"),
        "points_card": ("community_id", "hash", "household_id", "status", "role", "suspected_at", "salt"),
        "points_account": ("community_id", "kind", "household_id", "opened_at"),
        "points_decision": ("community_id", "by", "reason", "decided_at"),
        "points_debt": (
            *("household_id", "reverses_id", "points", "forgiven"),
            *("created_at", "decision_id", "forgiveness_id"),
        ),
    }
)
"""The sealed columns of each table in the register; the primary key is always sealed too."""

KEYS = frozenset(
    {
        *("community_id", "station_id", "household_id", "reverses_id", "decision_id", "forgiveness_id"),
        "row",  # of a dismissal
    }
)
"""The sealed columns that hold a primary key."""

_ENCODER = msgspec.json.Encoder()


def seal(table: str, key: int, values: Sequence[object]) -> str:
    """Return 32 hex digits over a row; `values` are in the order of SEALED."""
    plain = [table, key, *map(_plain, values)]
    return hashlib.sha256(_ENCODER.encode(plain)).hexdigest()[:32]


def own_keys(columns: Sequence[str], values: Sequence[Any], shift: int) -> list[Any]:
    """Return the values of these columns with the community's `key_shift` subtracted from every key."""
    return [
        value - shift if name in KEYS and value is not None else value
        for name, value in zip(columns, values, strict=True)
    ]


def settled_tag(row: Sequence[object]) -> bytes:
    """Return TAG_BYTES over the values of a settlement that never change.

    Keys are less the community's `key_shift`. These are: event, household when it was settled, moment in
    microseconds, local day, how it was timed, points provisional, due (settled, held or withdrawn) and
    lowered, why lowered, and deposits counted.
    """
    return hashlib.sha256(_ENCODER.encode(row)).digest()[:TAG_BYTES]


def waits_tag(row: Sequence[object]) -> str:
    """Return 16 hex digits over the part of a settlement that waits or was withdrawn.

    These are: event, points held, why, since when (microseconds or null, and the ledger's own running
    time), points withdrawn, and why.
    """
    return hashlib.sha256(_ENCODER.encode(row)).hexdigest()[:16]


def _plain(value: object) -> object:
    """Return a column's value as JSON, the same on both engines."""
    if isinstance(value, datetime):
        return microseconds(value if value.tzinfo else value.replace(tzinfo=UTC))
    if isinstance(value, date):
        return value.isoformat()
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else value
