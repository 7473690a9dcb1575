"""Orders what a station says of itself, whatever order it arrives in. Pure."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from cloud_sync.wire.station_state import StationState

FORGOTTEN_S = 900.0
"""A start that was not heard for this long gives way to an earlier one: an older memory card was put back.

Longer than any message can be on its way: the broker keeps none of them for a ledger that is away.
"""


NEVER = inf
"""`silent_s` of a station that was never heard by this ledger itself."""


class Place(NamedTuple):
    """A message's place among those of its station; a later one outdates an earlier one."""

    start: int
    connection: int
    is_last: bool
    """The last will of a connection comes after all its other messages."""
    sequence: int


FIRST = Place(0, 0, is_last=False, sequence=0)
"""The place of all messages from stations of an older version: these are taken as they arrive."""


def place_of(state: StationState) -> Place:
    """Return the place that a message states."""
    if state.start == 0:
        return FIRST
    return Place(state.start, state.connection, not state.online, state.sequence)


def outdates(place: Place, known: Place, silent_s: float) -> bool:
    """Say whether a message counts after the known one, whose station was last heard `silent_s` ago."""
    if place > known or place == known == FIRST:
        return True
    return place.start < known.start and not place.is_last and silent_s >= FORGOTTEN_S
