"""The station's only inbox: any thread posts, one thread takes."""

from __future__ import annotations

import logging
import queue
from time import perf_counter

from edge.messages import Event

log = logging.getLogger(__name__)

CAPACITY = 10_000
"""More events than ever wait at a working station; further ones are dropped and logged."""


class QueueInbox:
    """A bounded queue of events, each with the time of its posting. Implements `edge.ports.Inbox`.

    A signal handler may wake it at any moment: SimpleQueue has no lock that a handler on the taking thread
    could deadlock on.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        """Hold at most `capacity` events, or a few more if several threads post at the same moment."""
        self._capacity = capacity
        self._queue: queue.SimpleQueue[tuple[Event | None, float]] = queue.SimpleQueue()

    def post(self, event: Event) -> None:
        """Post an event; never blocks, because gpiozero's and the readers' threads call this."""
        if self._queue.qsize() >= self._capacity:
            log.error("inbox full: %s dropped", type(event).__name__)
            return
        self._queue.put((event, perf_counter()))

    def wake(self) -> None:
        """Make a waiting `take` return, even if nothing is posted."""
        if self._queue.qsize() < self._capacity:  # otherwise `take` has something to return anyway
            self._queue.put((None, perf_counter()))

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits now."""
        return self._queue.empty()

    def take(self, wait_s: float | None) -> tuple[Event | None, float] | None:
        """Return the next event and its time (perf_counter seconds); None after `wait_s` without one."""
        try:
            if wait_s is not None and wait_s <= 0:
                return self._queue.get_nowait()
            return self._queue.get(timeout=wait_s)
        except queue.Empty:
            return None
