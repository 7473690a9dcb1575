"""What the station and the keeper of its lids say to each other: one JSON record a packet. Pure.

The socket keeps packets whole and in order, and the kernel says who is at its other end; so there are no
frames, numbers or signatures here, as there are on the wire to a microcontroller. Times are the seconds
of CLOCK_MONOTONIC, which both processes share.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from config.station import LONGEST_LEASE_S

MAX_PACKET = 1024
"""Bytes; nothing that either side says comes near it."""
BEAT_S = 0.5
"""How often the keeper says that it is there."""
SILENCE_S = 2.0
"""A keeper that said nothing for so long hangs."""

Moment = Annotated[float, Meta(ge=0)]
Lease = Annotated[float, Meta(gt=0, le=LONGEST_LEASE_S)]


class Open(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="open"):
    """Open a bin's lid, or keep it open, at most `lease_s` seconds from `at`, when it was asked."""

    bin: str
    at: Moment
    lease_s: Lease


class EndLease(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="end"):
    """Shut a bin's lid now, unless something is in its way."""

    bin: str


class Stop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="stop"):
    """Turn every motor off now and take no request to move one until `Resume`. Nothing is driven by this."""


class Resume(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="resume"):
    """Let motors run again when next asked, and say where the lids are. Nothing is driven by this."""


class Arrival(StrEnum):
    """What a lid's inputs told, or what became of a lease that was asked for."""

    OPENED = "opened"
    CLOSED = "closed"
    OBSTRUCTED = "obstructed"
    LEASED = "leased"
    REFUSED = "refused"


class Keeps(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="keeps"):
    """The keeper's first word: the bins whose lids it has. Where they are follows."""

    bins: tuple[str, ...]
    is_stopped: bool = False
    """Its motors were stopped in an emergency and not let go again."""


class Moved(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="moved"):
    """A bin's lid arrived, met something, took a lease or refused it, at `at`."""

    bin: str
    what: Arrival
    at: Moment


class Beat(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="beat"):
    """The keeper turns, and so do its lids."""


class Taken(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="taken"):
    """Another station is connected already; this connection ends."""


Request = Open | EndLease | Stop | Resume
Report = Keeps | Moved | Beat | Taken


def pack(said: Request | Report) -> bytes:
    """The packet of a request or a report."""
    return msgspec.json.encode(said)


def request_in(packet: bytes) -> Request | None:
    """What a station asks; None for a packet that is no request."""
    try:
        request: Request = msgspec.json.decode(packet, type=Request)
    except msgspec.MsgspecError:
        return None
    return request


def report_in(packet: bytes) -> Report | None:
    """What a keeper reports; None for a packet that is no report."""
    try:
        report: Report = msgspec.json.decode(packet, type=Report)
    except msgspec.MsgspecError:
        return None
    return report
