"""Edge-triggered fault reporter: posts raise and clear on change only."""

from __future__ import annotations

from edge.faults import FaultCode
from edge.messages import FaultCleared, FaultRaised
from edge.ports import Clock, Inbox


class FaultLatch:
    """One fault of one part; off at first."""

    def __init__(self, code: FaultCode, part: str, clock: Clock, inbox: Inbox) -> None:
        """Post to `inbox` whenever the fault begins or ends."""
        self._code, self._part, self._clock, self._inbox = code, part, clock, inbox
        self._is_on = False

    def show(self, *, on: bool) -> None:
        """Set the fault; post if that changes it."""
        if on is not self._is_on:
            self._is_on = on
            kind = FaultRaised if on else FaultCleared
            self._inbox.post(kind(self._clock.now(), self._code, self._part))
