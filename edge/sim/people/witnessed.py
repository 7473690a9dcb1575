"""The lines of JSON that a witness of a simulated station writes. Pure values."""

from __future__ import annotations

import msgspec


class WitnessLine(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One line: its station, and the epoch of its journal."""

    station: str
    epoch: str


class ThingThrown(WitnessLine, frozen=True, kw_only=True):
    """A person threw a thing into a bin. `category` is None for the shadow of a hand."""

    at: float
    card: str
    bin: str
    name: str
    category: str | None


class LidStoodOpen(WitnessLine, frozen=True, kw_only=True):
    """A lid opened fully by command."""

    at: float
    bin: str


class PointsSpoken(WitnessLine, frozen=True, kw_only=True):
    """The station spoke a prompt that says points."""

    prompt: str
    points: int


class RecordKept(WitnessLine, frozen=True, kw_only=True):
    """The disk has a record: an alarm, or a card's visit with its times in monotonic seconds."""

    sequence: int
    points: int
    card: str | None = None
    began_at: float = 0.0
    ended_at: float = 0.0


class RecordRefused(WitnessLine, frozen=True, kw_only=True):
    """The disk refused a record; it may be tried again."""


class LeaseExcess(WitnessLine, frozen=True, kw_only=True):
    """The longest that any lid was driven open beyond its lease."""

    beyond_lease_s: float


Line = ThingThrown | LidStoodOpen | PointsSpoken | RecordKept | RecordRefused | LeaseExcess
