"""What a station states about a visit or an alarm: the records on the wire, shared by station and ledger.

Times in a visit are seconds since its start; only the event's `Stamp` gives the calendar time. Unknown
fields are ignored, so that an older ledger can read a newer station of the same version.
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
"""A name in a file or a program: ASCII without JSON escapes, one byte a letter.

`cloud_sync.wire.envelope.decode_event` checks the letters for all names of an event at once: a pattern for
each would cost more than the rest of the decoding.
"""
Count = Annotated[int, Meta(ge=0, le=2**53)]
Span = Annotated[float, Meta(ge=0, le=86_400)]
"""Seconds since the visit began."""
EpochName = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z")]
"""One opening of a station's journal: 16 random hex digits."""
SequenceNumber = Annotated[int, Meta(ge=1, le=2**53)]
"""An event's place in its epoch, from 1."""

MAX_WALL_S = 32_503_680_000.0
"""The year 3000, well before the end of Python's and the databases' calendars."""

MAX_OPENINGS = 24
MAX_DEPOSITS = 32
"""Limits of one visit, so that its event always fits the smallest limit of a broker (16 KiB)."""


class Role(StrEnum):
    """Whose card was tapped, as far as the station knows."""

    RESIDENT = "resident"
    STAFF = "staff"
    UNKNOWN = "unknown"


class Credential(StrEnum):
    """The kind of card or fob. All of these are weak: they can be copied."""

    EM4100 = "em4100"


class VerdictFacts(Struct, frozen=True, gc=False, omit_defaults=True):
    """The model's verdict on one deposit; `category` is null unless `state` is ok."""

    state: VerdictState
    probability: Annotated[float, Meta(ge=0, le=1)]
    model: Name
    category: Category | None = None
    label: Name | None = None


class DepositFacts(Struct, frozen=True, gc=False, omit_defaults=True):
    """One deposit. No verdict means that no camera could see it: unseen."""

    bin: Name
    bin_category: Category
    at_s: Span
    verdict: VerdictFacts | None = None
    weight_g: Count | None = None


class OpeningFacts(Struct, frozen=True, gc=False, omit_defaults=True):
    """A lid that this visit opened; no `closed_s` means that its closing was not seen."""

    bin: Name
    opened_s: Span
    closed_s: Span | None = None


class VisitFacts(Struct, frozen=True, gc=False, tag_field="kind", tag="visit"):
    """One visit from the first tap to the last lid. `provisional` is the award announced by the station."""

    card: CardHash
    credential: Credential
    role: Role
    duration_s: Span
    openings: Annotated[tuple[OpeningFacts, ...], Meta(max_length=MAX_OPENINGS)]
    deposits: Annotated[tuple[DepositFacts, ...], Meta(max_length=MAX_DEPOSITS)]
    rules: Count
    provisional: Count


class AlarmFacts(Struct, frozen=True, gc=False, tag_field="kind", tag="alarm"):
    """A fault that began (`raised`) or ended at a part of the station."""

    fault: Name
    part: Name
    raised: bool


class CommandFacts(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="command"):
    """An officer's command that a station carried out; `target` is its bin, part or prompt, if it has one.

    Issuer and reason may have any letters.
    """

    id: Name
    verb: Name
    issuer: Annotated[str, Meta(max_length=MAX_NAME)]
    reason: Annotated[str, Meta(max_length=200)]
    target: Name | None = None
    was_seen: bool = True
    """False if a lid was told to move and no switch reported it."""


NoteFacts = AlarmFacts | CommandFacts
"""What is recorded and earns nothing."""


class Stamp(Struct, frozen=True, gc=False):
    """When an event was written: the wall clock if it can be trusted, and always the boot's seconds."""

    wall_s: Annotated[float, Meta(ge=0, le=MAX_WALL_S)]
    """Unix time; meaningless unless `trusted`."""
    trusted: bool
    boot: Name
    """Random name of this boot; two stamps of one boot differ by their `monotonic_s`."""
    monotonic_s: Annotated[float, Meta(ge=0)]


class Event(Struct, frozen=True, gc=False):
    """One event; (community, station, epoch, sequence) identifies it and is never used again."""

    epoch: EpochName
    sequence: SequenceNumber
    stamp: Stamp
    facts: VisitFacts | NoteFacts
