"""What will happen when: the simulated world's one list of things to come, in monotonic seconds."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Iterator

from edge.ports import Clock, WallTime

START_UNIX_S = 1_767_225_600.0
"""2026-01-01 00:00 UTC: when simulated calendars begin unless told otherwise."""


class VirtualClock:
    """Time that stands still until it is moved. Implements `edge.ports.Clock`."""

    def __init__(self, start_unix_s: float = START_UNIX_S, *, trusted: bool = True) -> None:
        """Begin at monotonic second 0, which the calendar calls `start_unix_s`."""
        self.trusted = trusted
        """Whether anyone vouches for the calendar."""
        self._start_unix_s = start_unix_s
        self._now = 0.0

    def now(self) -> float:
        """Simulated seconds since the start."""
        return self._now

    def wall(self) -> WallTime:
        """The calendar's time at this simulated moment."""
        return WallTime(self._start_unix_s + self._now, self.trusted)

    def move_to(self, now: float) -> None:
        """Let time pass until `now`; ValueError for a moment that is over."""
        if now < self._now:
            msg = f"time cannot go back from {self._now} to {now}"
            raise ValueError(msg)
        self._now = now


class Happening:
    """One thing to come; it can be called off until it happens."""

    __slots__ = ("_action",)

    def __init__(self, action: Callable[[], object]) -> None:
        """Do `action` when its time comes."""
        self._action: Callable[[], object] | None = action

    @property
    def is_over(self) -> bool:
        """Whether it was called off or has happened."""
        return self._action is None

    def cancel(self) -> None:
        """Call it off; does nothing once it happened."""
        self._action = None

    def happen(self) -> None:
        """Do it, once."""
        action, self._action = self._action, None
        if action is not None:
            action()


class Timeline:
    """Things to come, in the order of their time, then of their planning.

    Whoever touches the simulated world from another thread holds `changed` while doing so; actions run
    under it.
    """

    def __init__(self, clock: Clock) -> None:
        """Plan by `clock`, which moves by itself or is moved."""
        self.clock = clock
        self.changed = threading.Condition(threading.RLock())
        """The world's lock; notified whenever something new is planned."""
        self._heap: list[tuple[float, int, Happening]] = []
        self._order = itertools.count()

    def call_at(self, due: float, action: Callable[[], object]) -> Happening:
        """Plan `action` for the moment `due`."""
        happening = Happening(action)
        with self.changed:
            heapq.heappush(self._heap, (due, next(self._order), happening))
            self.changed.notify_all()
        return happening

    def call_in(self, delay_s: float, action: Callable[[], object]) -> Happening:
        """Plan `action` for `delay_s` seconds from now."""
        return self.call_at(self.clock.now() + delay_s, action)

    def start(self, process: Iterator[float]) -> None:
        """Begin a process: it does its next thing each time that the seconds it yielded have passed."""

        def go_on() -> None:
            wait_s = next(process, None)
            if wait_s is not None:
                self.call_in(wait_s, go_on)

        self.call_in(0.0, go_on)

    def next_due(self) -> float | None:
        """When the next thing happens; None when nothing is planned."""
        with self.changed:
            while self._heap and self._heap[0][2].is_over:
                heapq.heappop(self._heap)
            return self._heap[0][0] if self._heap else None

    def run_due(self, now: float) -> None:
        """Do everything that is due by `now`, and what that brings up for `now`."""
        with self.changed:
            while self._heap and self._heap[0][0] <= now:
                heapq.heappop(self._heap)[2].happen()
