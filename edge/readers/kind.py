"""What one kind of card reader declares. Each file of `edge/readers/kinds` has one `KIND` of this type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from cloud_sync.wire.facts import Credential
from config.wiring import ControllerInput, ReaderSection
from config.words import Both
from edge.ports import Clock, Inbox
from edge.readers.last_seen import LastSeenBook
from edge.readers.pseudonym import Cards
from firmware_bridge.link.messages import Report, Welcome
from firmware_bridge.port_protocol import OpenPort


@dataclass(frozen=True, slots=True)
class ReaderServices:
    """What every reader's driver is given. `last_seen` keeps when it was last heard, over restarts."""

    cards: Cards
    clock: Clock
    inbox: Inbox
    open_port: OpenPort
    last_seen: LastSeenBook | None = None


class ReaderDevice(Protocol):
    """A reader that the Pi drives itself."""

    def start(self) -> None:
        """Begin to read; once."""
        ...

    def stop(self) -> None:
        """Stop reading and give everything back."""
        ...


class ControllerPart(Protocol):
    """A reader at a microcontroller. All of it is called on the controller port's thread."""

    def link_up(self, welcome: Welcome) -> None:
        """The link is there, and the device said what it has."""
        ...

    def link_down(self) -> None:
        """There is no link."""
        ...

    def handle_report(self, report: Report) -> None:
        """Take a report of the device; most of them concern other parts."""
        ...

    def poll(self) -> None:
        """Check deadlines; several times a second."""
        ...


@dataclass(frozen=True, slots=True)
class Transmission:
    """What a reader of the simulator sends when it sees a card: to which input of a controller, and what.

    `payload` is bytes for a serial reader, a text of 0 and 1 for Wiegand. It is sent again after `repeat_s`
    where the real reader repeats a held card; None where it does not.
    """

    payload: bytes | str
    repeat_s: float | None = None


SectionT = TypeVar("SectionT", bound=ReaderSection)


@dataclass(frozen=True, slots=True)
class ReaderKind(Generic[SectionT]):
    """One kind of reader: its keys in station.toml, its drivers, its simulated form, its words."""

    section: type[SectionT]
    """The keys of its `[[reader]]` table; the tag is the kind's name."""
    title: Both
    wired_to: str
    """Column "wired to" in docs/wiring.md."""
    tells: str
    """Column "tells of a card" in docs/wiring.md."""
    unread_mend: Both
    """What to look at when `station check --taps` got no card."""
    credential: Credential
    is_clonable: bool
    """Its cards send one fixed number in clear: anyone who reads one once can copy it."""
    drive: Callable[[SectionT, ReaderServices], ReaderDevice] | None
    """Makes the driver of a reader that the Pi drives itself; None for a kind that needs a controller."""
    attach: Callable[[SectionT, ControllerInput, ReaderServices], ControllerPart] | None
    """Makes the driver of a reader at a controller; None for a kind that cannot be there."""
    transmit: Callable[[SectionT, str], Transmission]
    """What a simulated reader sends of a card's number, which is ten hex digits for a fob."""

    @property
    def name(self) -> str:
        """The value of `kind` in station.toml."""
        return str(self.section.__struct_config__.tag)


AnyKind = ReaderKind[Any]
"""A kind whose section is not known to the type checker: the registry has many."""
