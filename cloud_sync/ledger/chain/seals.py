"""Short hashes over rows, by which a record of the register holds them to what they were. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from types import MappingProxyType

import msgspec

from cloud_sync.ledger.chain.chain import microseconds

TAG_BYTES = 8
"""Of a settlement's tag: enough to find an edited row, and a row's worth a batch is little."""

SEALED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "stations_community": ("slug", "name_zh", "name_en", "timezone", "daily_mint_limit"),
        "stations_station": ("community_id", "slug", "active", "daily_mint_limit", "admitted_at"),
        "stations_stationkey": ("station_id", "key_id", "public", "retired_at"),
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
"""The columns of each table whose rows the register names, beside their primary key."""

_ENCODER = msgspec.json.Encoder()


def seal(table: str, key: int, values: Sequence[object]) -> str:
    """32 hex digits over a row; `values` stand in the order of SEALED."""
    plain = [table, key, *map(_plain, values)]
    return hashlib.sha256(_ENCODER.encode(plain)).hexdigest()[:32]


def settled_tag(row: Sequence[object]) -> bytes:
    """TAG_BYTES over what never changes of a settlement.

    Event, household when it was settled, moment in microseconds, local day, how it was timed, provisional
    points, those due (settled, held or withdrawn), those lowered, why, and deposits counted.
    """
    return hashlib.sha256(_ENCODER.encode(row)).digest()[:TAG_BYTES]


def waits_tag(row: Sequence[object]) -> str:
    """16 hex digits over what of a settlement waits or was withdrawn.

    Event, points held, why, since when in microseconds or null and in the ledger's own running time, points
    withdrawn, and why.
    """
    return hashlib.sha256(_ENCODER.encode(row)).hexdigest()[:16]


def _plain(value: object) -> object:
    """A column's value as JSON, the same on both engines."""
    if isinstance(value, datetime):
        return microseconds(value if value.tzinfo else value.replace(tzinfo=UTC))
    if isinstance(value, date):
        return value.isoformat()
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else value
