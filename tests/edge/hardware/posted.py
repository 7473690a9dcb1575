"""An inbox that keeps everything, and a clock that a test moves."""

from __future__ import annotations

from edge.messages import Event, LeaseRefused, LeaseTaken
from edge.ports import Clock, Inbox, WallTime
from edge.readers.kind import ReaderServices
from edge.readers.pseudonym import Cards
from firmware_bridge.decoders.em4100 import CardBits
from firmware_bridge.port import SerialPort


class Posted:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.leases: list[LeaseTaken | LeaseRefused] = []
        """What became of requests; apart from the events, for it says nothing of where lids are."""

    def post(self, event: Event) -> None:
        if isinstance(event, LeaseTaken | LeaseRefused):
            self.leases.append(event)
        else:
            self.events.append(event)

    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


class Hand:
    """A clock whose hand a test moves."""

    def __init__(self) -> None:
        self.at = 100.0

    def now(self) -> float:
        return self.at

    def wall(self) -> WallTime:
        return WallTime(1_790_000_000.0, trusted=True)


def services(key: bytes, width: CardBits, clock: Clock, inbox: Inbox) -> ReaderServices:
    """What readers' drivers are given, with real serial ports."""
    return ReaderServices(Cards(key, width), clock, inbox, SerialPort)
