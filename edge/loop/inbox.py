"""The station's one inbox: any thread puts, one thread takes."""

from __future__ import annotations

import logging
import queue
from time import perf_counter

from edge.messages import Event

log = logging.getLogger(__name__)

CAPACITY = 10_000
"""More waiting events than a working station ever has; a flood beyond it is dropped and logged."""


class QueueInbox:
    """A bounded queue of events, each with the moment it was posted. Implements `edge.ports.Inbox`.

    A signal's handler may wake it whatever the thread that takes is about: SimpleQueue holds no lock that
    the handler, on that very thread, would wait for in vain.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        """Hold at most `capacity` events, and a few more that several threads post at one moment."""
        self._capacity = capacity
        self._queue: queue.SimpleQueue[tuple[Event | None, float]] = queue.SimpleQueue()

    def post(self, event: Event) -> None:
        """Put an event; never blocks, because gpiozero's and readers' threads call this."""
        if self._queue.qsize() >= self._capacity:
            log.error("inbox full: %s dropped", type(event).__name__)
            return
        self._queue.put((event, perf_counter()))

    def wake(self) -> None:
        """Make a waiting `take` return, even with nothing posted."""
        if self._queue.qsize() < self._capacity:  # otherwise something is there to take anyway
            self._queue.put((None, perf_counter()))

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits at this moment."""
        return self._queue.empty()

    def take(self, wait_s: float | None) -> tuple[Event | None, float] | None:
        """The next event and its moment (perf_counter seconds); None after `wait_s` without one."""
        try:
            if wait_s is not None and wait_s <= 0:
                return self._queue.get_nowait()
            return self._queue.get(timeout=wait_s)
        except queue.Empty:
            return None
