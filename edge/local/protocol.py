"""Messages that every process behind a local socket may send: one JSON record in each packet. Pure.

The socket keeps packets whole and in order, and the kernel identifies the peer. So the protocol needs no
framing, sequence numbers or signatures, unlike the link to a microcontroller. Times are in seconds of
CLOCK_MONOTONIC, which all processes share.
"""

from __future__ import annotations

import struct
from typing import Annotated

import msgspec
from msgspec import Meta

BEAT_S = 0.5
"""How often a process sends a `Beat`."""
SILENCE_S = 2.0
"""A process that sends nothing for this long counts as hung."""

PEER = struct.Struct("3i")
"""SO_PEERCRED's value: process, user and group (unix(7))."""

Moment = Annotated[float, Meta(ge=0)]


class Beat(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="beat"):
    """The process's loop and its device threads are running."""


class Taken(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="taken"):
    """Another client is connected already; this connection ends."""
