"""Events of the host's side of a link. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto

from firmware_bridge.link.messages import Reason, Report, Request, Welcome
from firmware_bridge.wrong_device import OtherDevice


class DownReason(StrEnum):
    """Why a link ended, or did not begin."""

    SILENT = auto()
    RESTARTED = auto()
    """The device has another boot id."""
    FORGOTTEN = auto()
    """The device has ended the link, or has a link with another host."""
    UNANSWERED = auto()
    """The device sends heartbeats, but acknowledges nothing."""
    STOOD_STILL = auto()
    """This side was suspended for a while."""
    PORT_LOST = auto()


@dataclass(frozen=True, slots=True)
class Up:
    """The link is up; send the lids' settings now, because the device may have lost them."""

    welcome: Welcome


@dataclass(frozen=True, slots=True)
class Down:
    """There is no link; waiting requests are dropped. Posted once, until `Up`."""

    reason: DownReason


@dataclass(frozen=True, slots=True)
class Received:
    """A report of the device; each comes once and in order."""

    report: Report


@dataclass(frozen=True, slots=True)
class Rejected:
    """The device rejected a request."""

    request: Request
    reason: Reason


@dataclass(frozen=True, slots=True)
class LeaseAcknowledged:
    """The device acknowledged a lease; a `Rejected` may still follow."""

    lid: int


@dataclass(frozen=True, slots=True)
class Noisy:
    """The line became noisy (damaged frames), or is quiet again."""

    is_so: bool


@dataclass(frozen=True, slots=True)
class VersionRefused:
    """The device speaks none of the offered versions, at most `theirs`. Posted once, until `Up`."""

    lowest: int
    highest: int
    theirs: int


@dataclass(frozen=True, slots=True)
class WrongDevice:
    """Another kind of device is on the port. Posted once, until `Up`."""

    other_device: OtherDevice


Event = Up | Down | Received | Rejected | LeaseAcknowledged | Noisy | VersionRefused | WrongDevice
