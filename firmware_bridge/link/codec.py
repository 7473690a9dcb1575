"""Encodes messages as a frame's type and body, and decodes them strictly. Pure.

docs/protocol.md has the table.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import astuple
from enum import StrEnum, auto

from firmware_bridge.link.messages import (
    MAX_LEASE_MS,
    MAX_SERIAL,
    Ack,
    Cause,
    EndLease,
    Heartbeat,
    Hello,
    LidState,
    Message,
    OpenLid,
    Position,
    Reason,
    Refused,
    Resume,
    SensorKind,
    SensorValue,
    SerialBytes,
    SetLid,
    StopMotors,
    Welcome,
    WiegandBits,
)

_TRAVEL_MS = range(50, 30_001)
_TRIES = range(1, 11)


class DecodeError(StrEnum):
    """Why a type and a body are not a message."""

    UNKNOWN_TYPE = auto()
    MALFORMED = auto()
    """Wrong length for the type, or a value out of bounds."""
    LEASE_TOO_LONG = auto()


_WELCOME = struct.Struct("<BBIIBBBHB3B")
_WELCOME_TYPE, _WIEGAND_TYPE, _SERIAL_TYPE = 0x02, 0x21, 0x22


def _make_welcome(*fields: int) -> Welcome:
    version, highest, link, boot, lids, wiegand, serial, sensors, credit, *firmware = fields
    return Welcome(
        version,
        highest,
        link,
        boot,
        lids,
        wiegand,
        serial,
        sensors,
        credit,
        (firmware[0], firmware[1], firmware[2]),
    )


def _lid_state(lid: int, position: int, cause: int) -> LidState:
    return LidState(lid, Position(position), Cause(cause))


def _sensor_value(kind: int, index: int, value: int) -> SensorValue:
    return SensorValue(SensorKind(kind), index, value)


def _refused(number: int, reason: int) -> Refused:
    return Refused(number, Reason(reason))


_FIXED: tuple[tuple[int, type[Message], struct.Struct, Callable[..., Message]], ...] = (
    (0x01, Hello, struct.Struct("<BBIB"), Hello),
    (0x03, Ack, struct.Struct("<BB"), Ack),
    (0x04, Heartbeat, struct.Struct("<III"), Heartbeat),
    (0x10, SetLid, struct.Struct("<BHHHB"), SetLid),
    (0x11, OpenLid, struct.Struct("<BH"), OpenLid),
    (0x12, EndLease, struct.Struct("<B"), EndLease),
    (0x13, StopMotors, struct.Struct("<"), StopMotors),
    (0x14, Resume, struct.Struct("<"), Resume),
    (0x20, LidState, struct.Struct("<BBB"), _lid_state),
    (0x23, SensorValue, struct.Struct("<BBi"), _sensor_value),
    (0x24, Refused, struct.Struct("<BB"), _refused),
)


def encode(message: Message) -> tuple[int, bytes]:
    """Encode a message as type and body; struct.error for a value that its field cannot hold."""
    match message:
        case Welcome():
            *fields, firmware = astuple(message)
            return _WELCOME_TYPE, _WELCOME.pack(*fields, *firmware)
        case WiegandBits(reader, bits):
            size = _bytes_for(len(bits))
            data = int(bits.ljust(8 * size, "0"), 2).to_bytes(size, "big")
            return _WIEGAND_TYPE, bytes([reader, len(bits)]) + data
        case SerialBytes(reader, data):
            return _SERIAL_TYPE, bytes([reader]) + data
    code, layout = next((code, layout) for code, kind, layout, _ in _FIXED if kind is type(message))
    return code, layout.pack(*astuple(message))


def decode(code: int, body: bytes) -> Message | DecodeError:
    """Decode a type and a body; a DecodeError if they are not a message."""
    match code:
        case 0x02:
            return _welcome(body)
        case 0x21:
            return _wiegand(body)
        case 0x22:
            return (
                SerialBytes(body[0], body[1:]) if 1 < len(body) <= 1 + MAX_SERIAL else DecodeError.MALFORMED
            )
    for known, kind, layout, make in _FIXED:
        if known == code:
            # A later version may extend HELLO at its end, and this version must still recognise it.
            if len(body) != layout.size and not (kind is Hello and len(body) > layout.size):
                return DecodeError.MALFORMED
            return _checked(make, layout.unpack_from(body))
    return DecodeError.UNKNOWN_TYPE


def _checked(make: Callable[..., Message], fields: tuple[int, ...]) -> Message | DecodeError:
    try:
        message = make(*fields)
    except ValueError:  # an unknown position, cause, kind or reason
        return DecodeError.MALFORMED
    match message:
        case OpenLid(_, lease_ms) if lease_ms > MAX_LEASE_MS:
            return DecodeError.LEASE_TOO_LONG
        case SetLid() if message.travel_ms not in _TRAVEL_MS or message.tries not in _TRIES:
            return DecodeError.MALFORMED
        case Hello(link=0) | Heartbeat(own=0):
            return DecodeError.MALFORMED
    return message


def _welcome(body: bytes) -> Welcome | DecodeError:
    if len(body) < _WELCOME.size:  # a later version may extend it, like HELLO
        return DecodeError.MALFORMED
    return _make_welcome(*_WELCOME.unpack_from(body))


def _wiegand(body: bytes) -> WiegandBits | DecodeError:
    if len(body) < 2 or not body[1] or len(body) != 2 + _bytes_for(body[1]):  # noqa: PLR2004 (reader, bits)
        return DecodeError.MALFORMED
    bits = f"{int.from_bytes(body[2:], 'big'):0{8 * (len(body) - 2)}b}"
    return WiegandBits(body[0], bits[: body[1]])


def _bytes_for(bits: int) -> int:
    return (bits + 7) // 8
