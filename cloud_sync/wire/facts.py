"""What a station states about a visit or an alarm: the wire's records, shared by station and ledger.

Times inside a visit are seconds since its start; only the event's `Stamp` ties them to the world.
Unknown fields are ignored, so that an older ledger reads a newer station of the same version.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from config.sorting import Category
from models.verdict import VerdictState

MAX_NAME = 64
CardHash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""HMAC-SHA-256 of a credential, as `cloud_sync.wire.cards` makes it."""
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
"""What a file or a program calls something: ASCII that JSON leaves as it is, a byte a letter.

`cloud_sync.wire.envelope.decode_event` sees to the letters, for all names of an event at once: a pattern
for each would cost more than the rest of the decoding.
"""
Count = Annotated[int, Meta(ge=0, le=2**53)]
Span = Annotated[float, Meta(ge=0, le=86_400)]
"""Seconds since the visit began."""
EpochName = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z")]
"""One opening of a station's journal: 16 random hex digits."""
SequenceNumber = Annotated[int, Meta(ge=1, le=2**53)]
"""An event's place in its epoch, from 1."""

MAX_WALL_S = 32_503_680_000.0
"""The year 3000, well before the calendars of Python and of databases end."""

MAX_OPENINGS = 24
MAX_DEPOSITS = 32
"""Bounds of one visit, so that its event always fits a broker's smallest message (16 KiB)."""


class Role(StrEnum):
    """Who taps, as far as the station knows."""

    RESIDENT = "resident"
    STAFF = "staff"
    UNKNOWN = "unknown"


class Credential(StrEnum):
    """What kind of thing was tapped. All of these are weak: they can be copied."""

    EM4100 = "em4100"


class VerdictFacts(Struct, frozen=True, gc=False, omit_defaults=True):
    """What the model said of one deposit; `category` is null unless `state` is ok."""

    state: VerdictState
    probability: Annotated[float, Meta(ge=0, le=1)]
    model: Name
    category: Category | None = None
    label: Name | None = None


class DepositFacts(Struct, frozen=True, gc=False, omit_defaults=True):
    """One thing thrown in. No verdict means that nothing could look at it: unseen."""

    bin: Name
    bin_category: Category
    at_s: Span
    verdict: VerdictFacts | None = None
    weight_g: Count | None = None


class OpeningFacts(Struct, frozen=True, gc=False, omit_defaults=True):
    """One lid that this visit opened; no `closed_s` means that its closing was never seen."""

    bin: Name
    opened_s: Span
    closed_s: Span | None = None


class VisitFacts(Struct, frozen=True, gc=False, tag_field="kind", tag="visit"):
    """One visit from first tap to last lid. `provisional` is what the station spoke, in points."""

    card: CardHash
    credential: Credential
    role: Role
    duration_s: Span
    openings: Annotated[tuple[OpeningFacts, ...], Meta(max_length=MAX_OPENINGS)]
    deposits: Annotated[tuple[DepositFacts, ...], Meta(max_length=MAX_DEPOSITS)]
    rules: Count
    provisional: Count


class AlarmFacts(Struct, frozen=True, gc=False, tag_field="kind", tag="alarm"):
    """A fault that began (`raised`) or ended at one part of the station."""

    fault: Name
    part: Name
    raised: bool


class Stamp(Struct, frozen=True, gc=False):
    """When an event was written: wall-clock if it can be trusted, and always the boot's own seconds."""

    wall_s: Annotated[float, Meta(ge=0, le=MAX_WALL_S)]
    """Unix time; meaningless unless `trusted`."""
    trusted: bool
    boot: Name
    """Random name of this boot: two stamps of one boot differ by their `monotonic_s`."""
    monotonic_s: Annotated[float, Meta(ge=0)]


class Event(Struct, frozen=True, gc=False):
    """One event under its identity: (community, station, epoch, sequence), made once, never again."""

    epoch: EpochName
    sequence: SequenceNumber
    stamp: Stamp
    facts: VisitFacts | AlarmFacts
