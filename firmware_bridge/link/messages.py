"""The messages between the Pi and a microcontroller. Pure. docs/protocol.md has the table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

VERSION = 1
"""The version of the protocol that this code speaks."""
MAX_LEASE_MS = 60_000
MAX_SERIAL = 32
"""Most bytes in one message of a serial reader."""


class Position(IntEnum):
    """A lid's position; only a limit switch makes it SHUT or OPEN."""

    UNKNOWN = 0
    SHUT = 1
    OPENING = 2
    OPEN = 3
    CLOSING = 4
    STOPPED = 5


class Cause(IntEnum):
    """Why a lid's last movement began or ended."""

    ASKED = 0
    LEASE_OVER = 1
    HOST_SILENT = 2
    OBSTRUCTED = 3
    LEFT_OPEN = 4
    TRAVEL_TIMEOUT = 5
    BOTH_SWITCHES = 6
    MOTORS_STOPPED = 7
    SMOKE = 8


class SensorKind(IntEnum):
    """What a sensor measures, and its unit."""

    WEIGHT = 0
    """Counts of an HX711."""
    LEVEL = 1
    """Millimetres."""
    SMOKE = 2
    TEMPERATURE = 3
    """Hundredths of a degree Celsius."""
    DOOR = 4
    PANIC = 5
    SUPPLY = 6
    """Millivolts."""


class Reason(IntEnum):
    """Why a device refused a message."""

    NO_SUCH_LID = 1
    LEASE_TOO_LONG = 2
    MOTORS_STOPPED = 3
    UNKNOWN_TYPE = 4
    MALFORMED = 5
    SMOKE = 6
    MOTOR_RESTS = 7


@dataclass(frozen=True, slots=True)
class Hello:
    """Begins a link: the host's versions, the link's id, and the first credit."""

    lowest: int
    highest: int
    link: int
    credit: int


@dataclass(frozen=True, slots=True)
class Welcome:
    """The device's answer. `version` is 0 if it speaks none of those offered; `highest` is its highest."""

    version: int
    highest: int
    link: int
    boot: int
    lids: int
    wiegand_readers: int
    serial_readers: int
    sensors: int
    """A bit for each `SensorKind`."""
    credit: int
    firmware: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Ack:
    """Acknowledges up to `number`; the other side may send up to `number` plus `credit`."""

    number: int
    credit: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Shows that the sender is alive. `own` is its id, `other` the receiver's, 0 without a link."""

    own: int
    other: int
    uptime_ms: int


@dataclass(frozen=True, slots=True)
class SetLid:
    """Sets a lid's bounds; moves nothing."""

    lid: int
    travel_ms: int
    retry_ms: int = 2000
    """How long the way must have been free before the next try to shut."""
    patience_ms: int = 20_000
    """No try begins later than this after the first one."""
    tries: int = 3


@dataclass(frozen=True, slots=True)
class OpenLid:
    """Open, or stay open, at most `lease_ms`; 0 ends the lease."""

    lid: int
    lease_ms: int


@dataclass(frozen=True, slots=True)
class EndLease:
    """Shut now, unless something is in the way."""

    lid: int


@dataclass(frozen=True, slots=True)
class StopMotors:
    """End every lease and turn every motor off until `Resume`."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Let motors run again: a person at the station has reset the emergency."""


@dataclass(frozen=True, slots=True)
class LidState:
    """A lid's position, and the cause of it."""

    lid: int
    position: Position
    cause: Cause


@dataclass(frozen=True, slots=True)
class WiegandBits:
    """The bits that a Wiegand reader sent, as a text of 0 and 1, first bit first."""

    reader: int
    bits: str


@dataclass(frozen=True, slots=True)
class SerialBytes:
    """Bytes that a serial reader sent: 1 to MAX_SERIAL, cut anywhere."""

    reader: int
    data: bytes


@dataclass(frozen=True, slots=True)
class SensorValue:
    """A sensor's reading, in the unit of its kind."""

    kind: SensorKind
    index: int
    value: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The device accepted the message of this number, but refuses the request."""

    number: int
    reason: Reason


Request = SetLid | OpenLid | EndLease | StopMotors | Resume
"""Messages of a host; numbered."""
Report = LidState | WiegandBits | SerialBytes | SensorValue | Refused
"""Messages of a device; numbered."""
Control = Hello | Welcome | Ack | Heartbeat
"""Messages that keep the link up; not numbered."""
Message = Request | Report | Control


def is_numbered(message: Message) -> bool:
    """Return whether a message has a sequence number, and so is acknowledged and repeated."""
    return not isinstance(message, Control)
