"""The chain over a community's transfers: each link hashes the previous link and its own row. Pure.

The chain can be checked without this code: a row is the JSON array that `Link` describes, and its link is
SHA-256(previous link, then those bytes). The link before the first row is empty.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import msgspec

FIRST = b""
"""The link before the first transfer."""

_ENCODER = msgspec.json.Encoder()
_ORIGIN = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Link(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A transfer as it is hashed: every column, and the identity and digest of the event behind it.

    `debit`, `credit`, `station` and `household` are primary keys, in a community that came from another
    ledger those that it had there (`models.ChainHead.key_shift`); `at_us` is microseconds since 1970, UTC;
    `reverses` is the reversed transfer's position; `decision` is "who: why".
    """

    position: int
    debit: int
    credit: int
    points: int
    purpose: str
    station: int
    epoch: str
    sequence: int
    digest: str
    at_us: int
    household: int | None = None
    reverses: int | None = None
    decision: str | None = None


def link(previous: bytes, row: Link) -> bytes:
    """Return the 32 bytes that tie this row to all rows before it."""
    return hashlib.sha256(previous + _ENCODER.encode(row)).digest()


def record_link(previous: bytes, position: int, kind: str, at_us: int, body: bytes) -> bytes:
    """Return the 32 bytes that tie a record of the register to all before it; `body` is its JSON."""
    head = _ENCODER.encode((position, kind, at_us))
    return hashlib.sha256(previous + head + body).digest()


def microseconds(at: datetime) -> int:
    """Return whole microseconds since 1970, UTC; `at` must have a time zone."""
    return (at - _ORIGIN) // _MICROSECOND
