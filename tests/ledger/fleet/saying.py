"""Stations' messages about themselves, brought to a ledger's `States` without a broker."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from cloud_sync.ledger.fleet.states import BOX, FLUSH_S, TELL_S, States
from cloud_sync.transport.mailbox import Mailbox, Message
from cloud_sync.wire import topics
from cloud_sync.wire.station_state import StationState
from tests.ledger.town import NOW


@dataclass
class Saying:
    """A worker's part that notes states, with its clocks in the test's hands."""

    community: str
    at: datetime = NOW
    ran_s: float = 0.0
    box: Mailbox = field(default_factory=lambda: Mailbox(topics.state("+", "+"), BOX))

    def __post_init__(self) -> None:
        self.states = States(self.box, lambda: self.at, lambda: self.ran_s)

    def bring(self, station: str, state: StationState | bytes, *, retained: bool = False) -> None:
        """Put a message into the mailbox."""
        payload = state if isinstance(state, bytes) else msgspec.json.encode(state)
        topic = topics.state(self.community, station)
        self.box.put(Message(topic, payload, retained, _acknowledge=lambda: None))

    def say(self, station: str, state: StationState | bytes, *, retained: bool = False) -> None:
        """Bring one message and have it written."""
        self.bring(station, state, retained=retained)
        self.write()

    def write(self, after_s: float = FLUSH_S) -> None:
        """Have everything written that waits."""
        self.states.turn()
        self.later(after_s)
        self.states.turn()

    def tell(self) -> None:
        """Have it tell of what cannot be read."""
        self.write(TELL_S)

    def later(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self.at += timedelta(seconds=seconds)
        self.ran_s += seconds
