"""A simulated place whose clock the test moves."""

from __future__ import annotations

from edge.messages import Event
from edge.sim.timeline import Timeline, VirtualClock


class Stage:
    """Time that the test moves, and an inbox that keeps all events."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.timeline = Timeline(self.clock)
        self.posted: list[Event] = []

    def post(self, event: Event) -> None:
        self.posted.append(event)

    def wait(self, seconds: float) -> None:
        until = self.clock.now() + seconds
        while (due := self.timeline.next_due()) is not None and due <= until:
            self.clock.move_to(due)
            self.timeline.run_due(due)
        self.clock.move_to(until)
