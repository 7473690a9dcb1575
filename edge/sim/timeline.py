"""The simulated world's schedule: its planned actions, in monotonic seconds."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Iterator

from edge.ports import Clock, WallTime

START_UNIX_S = 1_767_225_600.0
"""2026-01-01 00:00 UTC: the default start of simulated calendars."""


class VirtualClock:
    """Time that stands still until it is moved. Implements `edge.ports.Clock`."""

    def __init__(self, start_unix_s: float = START_UNIX_S, *, trusted: bool = True) -> None:
        """Begin at monotonic second 0, which the calendar calls `start_unix_s`."""
        self.trusted = trusted
        """Whether the calendar is trusted."""
        self._start_unix_s = start_unix_s
        self._now = 0.0

    def now(self) -> float:
        """Simulated seconds since the start."""
        return self._now

    def wall(self) -> WallTime:
        """The calendar's time at this simulated moment."""
        return WallTime(self._start_unix_s + self._now, self.trusted)

    def move_to(self, now: float) -> None:
        """Move time forward to `now`; ValueError for a moment in the past."""
        if now < self._now:
            msg = f"time cannot go back from {self._now} to {now}"
            raise ValueError(msg)
        self._now = now


class Happening:
    """One planned action, which can be cancelled until it happens."""

    __slots__ = ("_action",)

    def __init__(self, action: Callable[[], object]) -> None:
        """Do `action` when its time comes."""
        self._action: Callable[[], object] | None = action

    @property
    def is_over(self) -> bool:
        """Whether it was cancelled or has happened."""
        return self._action is None

    def cancel(self) -> None:
        """Cancel it; does nothing after it happened."""
        self._action = None

    def happen(self) -> None:
        """Do it, once."""
        action, self._action = self._action, None
        if action is not None:
            action()


class Timeline:
    """Planned actions, in the order of their time, then of their planning.

    A thread that touches the simulated world must hold `changed`; actions run under it.
    """

    def __init__(self, clock: Clock) -> None:
        """Plan by `clock`, in real or virtual time."""
        self.clock = clock
        self.changed = threading.Condition(threading.RLock())
        """The world's lock; notified when something new is planned."""
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
        """Start a generator; it continues after the seconds that it yields."""

        def go_on() -> None:
            wait_s = next(process, None)
            if wait_s is not None:
                self.call_in(wait_s, go_on)

        self.call_in(0.0, go_on)

    def next_due(self) -> float | None:
        """Return the time of the next action; None if nothing is planned."""
        with self.changed:
            while self._heap and self._heap[0][2].is_over:
                heapq.heappop(self._heap)
            return self._heap[0][0] if self._heap else None

    def run_due(self, now: float) -> None:
        """Run every action that is due by `now`, also those that these actions plan for `now`."""
        with self.changed:
            while self._heap and self._heap[0][0] <= now:
                heapq.heappop(self._heap)[2].happen()
