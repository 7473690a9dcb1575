"""Messages between the sync process and the station about commands; see also edge/local/protocol.py. Pure.

The sync process sends commands whose signature it has verified; the station sends answers, which the sync
process signs. A program that may use this socket may order anything: it admits only the station's own user.
"""

from __future__ import annotations

import msgspec

from cloud_sync.wire.commands import Answer, BootToken, RemoteCommand
from edge.local.protocol import Beat, Taken

SOCKET = "commands.sock"
"""In the station's runtime folder."""
MAX_PACKET = 4096
"""Bytes; every message is shorter."""


class Serves(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="serves"):
    """The station's first message after a connection: the token of its start."""

    boot: BootToken


class Answered(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="answered"):
    """A command has ended."""

    answer: Answer


class LeaveNow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag="leave"):
    """The sync process is to end, so that systemd starts it again."""


Report = Serves | Answered | LeaveNow | Beat | Taken


def packed(said: RemoteCommand | Report) -> bytes:
    """Encode a command or a report as a packet."""
    return msgspec.json.encode(said)


def command_in(packet: bytes) -> RemoteCommand | None:
    """Decode a command; None for an invalid packet."""
    try:
        return msgspec.json.decode(packet, type=RemoteCommand)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def report_in(packet: bytes) -> Report | None:
    """Decode a station's report; None for an invalid packet."""
    try:
        report: Report = msgspec.json.decode(packet, type=Report)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return report
