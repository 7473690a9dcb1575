"""The messages between the station and the keeper of its lids; see edge/local/protocol.py. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from config.station import LONGEST_LEASE_S
from edge.local.protocol import Beat, Moment, Taken

MAX_PACKET = 1024
"""Bytes; every message is far shorter."""

Lease = Annotated[float, Meta(gt=0, le=LONGEST_LEASE_S)]


class Open(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="open"):
    """Open a bin's lid, or keep it open, at most `lease_s` seconds from `at`, the time of the request."""

    bin: str
    at: Moment
    lease_s: Lease


class EndLease(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="end"):
    """Shut a bin's lid now, unless something is in its way."""

    bin: str


class Stop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="stop"):
    """Turn every motor off now and refuse to move one until `Resume`. Drives nothing itself."""


class Resume(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="resume"):
    """Let motors run again at the next request, and report the lids' positions. Drives nothing itself."""


class Arrival(StrEnum):
    """What a lid's inputs reported, or whether a lease was taken."""

    OPENED = "opened"
    CLOSED = "closed"
    OBSTRUCTED = "obstructed"
    LEASED = "leased"
    REFUSED = "refused"


class Keeps(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="keeps"):
    """The keeper's first message: the bins whose lids it has. Their positions follow."""

    bins: tuple[str, ...]
    is_stopped: bool = False
    """Its motors were stopped in an emergency and have not been resumed."""


class Moved(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="moved"):
    """At `at`, a bin's lid arrived at an end, met an obstruction, or took or refused a lease."""

    bin: str
    what: Arrival
    at: Moment


Request = Open | EndLease | Stop | Resume
Report = Keeps | Moved | Beat | Taken


def pack(said: Request | Report) -> bytes:
    """Encode a request or a report as a packet."""
    return msgspec.json.encode(said)


def request_in(packet: bytes) -> Request | None:
    """Decode a request; None if the packet is not one."""
    try:
        request: Request = msgspec.json.decode(packet, type=Request)
    except msgspec.MsgspecError:
        return None
    return request


def report_in(packet: bytes) -> Report | None:
    """Decode a report; None if the packet is not one."""
    try:
        report: Report = msgspec.json.decode(packet, type=Report)
    except msgspec.MsgspecError:
        return None
    return report
