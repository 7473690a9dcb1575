"""Runs a simulated world: in virtual time, as fast as the machine allows, or in real time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from config.process.threads import thread
from edge.sim.timeline import Timeline, VirtualClock

MOST_STEPS_AT_ONE_MOMENT = 10_000
"""More rounds without time passing mean that the station waits for a moment that is already over."""


class Steppable(Protocol):
    """The part of a station that virtual time needs."""

    def run_pending(self) -> None:
        """Handle every posted event and every deadline that is due."""
        ...

    def next_deadline(self) -> float | None:
        """Return the next deadline, in monotonic seconds; None if there is none."""
        ...


class WorldStoodStillError(RuntimeError):
    """Nothing more will happen, and the awaited condition has not come."""


def run_virtual(
    timeline: Timeline, clock: VirtualClock, station: Steppable, done: Callable[[], bool]
) -> None:
    """Run world and station on this thread, one moment after another, until `done()`.

    WorldStoodStillError if nothing is planned any more, or if time no longer passes.
    """
    station.run_pending()
    steps = 0
    while not done():
        before = clock.now()
        due = _earliest(timeline.next_due(), station.next_deadline())
        if due is None:
            raise WorldStoodStillError(f"nothing is planned after {before:.3f} s")
        clock.move_to(max(before, due))
        timeline.run_due(clock.now())
        station.run_pending()
        steps = steps + 1 if clock.now() == before else 0
        if steps > MOST_STEPS_AT_ONE_MOMENT:
            raise WorldStoodStillError(f"time stands still at {before:.3f} s")


def _earliest(*times: float | None) -> float | None:
    return min((time for time in times if time is not None), default=None)


class RealTimeDriver:
    """A thread that runs a world in real time."""

    def __init__(self, timeline: Timeline) -> None:
        """Drive `timeline`, whose clock moves by itself."""
        self.error: Exception | None = None
        """The error that ended the thread, if one did."""
        self._timeline = timeline
        self._is_stopping = False
        self._thread = thread(self._live, "world", self._failed)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the current action and wait for that; raise the error that ended the thread, if any."""
        with self._timeline.changed:
            self._is_stopping = True
            self._timeline.changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()
        if self.error is not None:
            raise self.error

    def _failed(self, error: Exception) -> None:
        self.error = error  # `stop` raises it

    def _live(self) -> None:
        with self._timeline.changed:
            while not self._is_stopping:
                due = self._timeline.next_due()
                wait_s = None if due is None else due - self._timeline.clock.now()
                if wait_s is None or wait_s > 0:
                    self._timeline.changed.wait(wait_s)
                else:
                    self._timeline.run_due(self._timeline.clock.now())
