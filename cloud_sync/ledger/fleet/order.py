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


class Written(NamedTuple):
    """Where a station wrote an alarm down, and when."""

    epoch: str
    sequence: int
    boot: str
    monotonic_s: float
    wall_s: float | None
    """Unix time; None if its calendar was not trusted."""


def is_later(fact: Written, known: Written) -> bool:
    """Say whether a station wrote a fact after another, however the two arrived.

    Facts of different boots without a trusted calendar count in the order of arrival: a station sends its
    journal in the order in which it was written.
    """
    if fact.epoch == known.epoch:
        return fact.sequence > known.sequence
    if fact.boot == known.boot:
        return fact.monotonic_s >= known.monotonic_s
    if fact.wall_s is not None and known.wall_s is not None:
        return fact.wall_s >= known.wall_s
    return True
