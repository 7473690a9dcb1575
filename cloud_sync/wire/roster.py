"""A community's roster as it travels: 33 bytes a card, sorted, so that equal rosters have equal bytes. Pure.

A card that is in no roster is unknown to stations and opens lids too. A delta has the same records for the
cards that changed, with `GONE` for those that left.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Mapping
from enum import IntEnum

HASH_BYTES = 32
RECORD_BYTES = HASH_BYTES + 1
MOST_CARDS = 200_000
"""Cards of one community at most, so that a station's memory is bounded."""


class CardStanding(IntEnum):
    """What a station must know of a card."""

    GONE = 0
    """In a delta only: the card left the roster."""
    RESIDENT = 1
    STAFF = 2
    BLOCKED = 3


Roster = Mapping[bytes, CardStanding]
"""CardStanding by the 32 bytes of a card's hash."""


class RosterError(ValueError):
    """These bytes are no roster, or no delta of this one."""


def pack(roster: Roster) -> bytes:
    """Return a roster, or a delta, as bytes."""
    return b"".join(card + bytes((roster[card],)) for card in sorted(roster))


def unpack(data: bytes, *, delta: bool = False) -> dict[bytes, CardStanding]:
    """Return the roster, or the delta, in `data`; RosterError unless `pack` could have made it."""
    if len(data) % RECORD_BYTES or len(data) > MOST_CARDS * RECORD_BYTES:
        raise RosterError(f"{len(data)} bytes are no roster")
    roster: dict[bytes, CardStanding] = {}
    last = b""
    lowest = CardStanding.GONE if delta else CardStanding.RESIDENT
    for at in range(0, len(data), RECORD_BYTES):
        card, standing = data[at : at + HASH_BYTES], data[at + HASH_BYTES]
        if (card <= last and at) or not lowest <= standing <= CardStanding.BLOCKED:
            raise RosterError(f"record {at // RECORD_BYTES} is out of order, or of no known kind")
        roster[card] = CardStanding(standing)
        last = card
    return roster


def changed(base: bytes, delta: Roster) -> bytes:
    """Return a packed roster with the changes of a delta: a few searches, however many cards it has."""
    pieces: list[bytes] = []
    at, count = 0, len(base) // RECORD_BYTES
    for card in sorted(delta):
        place = bisect_left(
            range(count),
            card,
            lo=at,
            key=lambda one: base[one * RECORD_BYTES : one * RECORD_BYTES + HASH_BYTES],
        )
        pieces.append(base[at * RECORD_BYTES : place * RECORD_BYTES])
        if delta[card] is not CardStanding.GONE:
            pieces.append(card + bytes((delta[card],)))
        is_there = base[place * RECORD_BYTES : place * RECORD_BYTES + HASH_BYTES] == card
        at = place + 1 if is_there else place
    return b"".join([*pieces, base[at * RECORD_BYTES :]])


def digest(roster_bytes: bytes) -> str:
    """Return the hex SHA-256 of a packed roster, by which both ends name it."""
    return hashlib.sha256(roster_bytes).hexdigest()
