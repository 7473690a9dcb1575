"""Events of a host's side of the link. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto

from firmware_bridge.link.messages import Reason, Report, Request, Welcome
from firmware_bridge.wrong_device import OtherDevice


class DownReason(StrEnum):
    """Why a link ended, or did not come about."""

    SILENT = auto()
    RESTARTED = auto()
    """The device has another boot id."""
    FORGOTTEN = auto()
    """The device has ended the link, or speaks with another host."""
    UNANSWERED = auto()
    """Its heartbeats come, but it acknowledges nothing."""
    STOOD_STILL = auto()
    """This side was suspended for a while."""
    PORT_LOST = auto()


@dataclass(frozen=True, slots=True)
class Up:
    """The link is there; send the lids' settings now, the device may have forgotten them."""

    welcome: Welcome


@dataclass(frozen=True, slots=True)
class Down:
    """There is no link; what waited is gone. Posted once, until `Up`."""

    reason: DownReason


@dataclass(frozen=True, slots=True)
class Received:
    """A report of the device; each once and in order."""

    report: Report


@dataclass(frozen=True, slots=True)
class Rejected:
    """The device rejected a request."""

    request: Request
    reason: Reason


@dataclass(frozen=True, slots=True)
class LeaseAcknowledged:
    """The device acknowledged a lease; it may still deny it, and says so in a moment."""

    lid: int


@dataclass(frozen=True, slots=True)
class Noisy:
    """The line became noisy (damaged frames), or is quiet again."""

    is_so: bool


@dataclass(frozen=True, slots=True)
class VersionRefused:
    """Offered these versions; the device speaks at most `theirs`. Posted once, until `Up`."""

    lowest: int
    highest: int
    theirs: int


@dataclass(frozen=True, slots=True)
class WrongDevice:
    """Something else speaks on the port. Posted once, until `Up`."""

    other_device: OtherDevice


Event = Up | Down | Received | Rejected | LeaseAcknowledged | Noisy | VersionRefused | WrongDevice
