"""Tells a full bin by an ultrasonic sensor that looks down into it."""

from __future__ import annotations

from config.wiring import LevelSection
from edge.hardware.contacts import FULL
from edge.hardware.debounce import Debounced, DebounceTimes, debounce, debounced_at
from edge.hardware.polled_thread import PolledThread
from edge.messages import LevelChanged
from edge.ports import Clock, Inbox
from firmware_bridge.link.messages import Report, SensorKind, SensorValue, Welcome

SLACK_MM = 50
"""Hysteresis: a full bin counts as emptied only beyond `full_mm + SLACK_MM`."""


class LevelSensor:
    """Posts LevelChanged once readings are stable for a while: falling waste is not a full bin."""

    def __init__(
        self,
        bin_id: str,
        section: LevelSection,
        clock: Clock,
        inbox: Inbox,
        *,
        settling: DebounceTimes = FULL,
    ) -> None:
        """Nothing is posted before `start`."""
        self._bin, self._section, self._clock, self._inbox = bin_id, section, clock, inbox
        self._settling = settling
        self._distance_mm: int | None = None
        self._level = Debounced()
        self._loop = PolledThread(f"level {bin_id}", self._turn, lambda: None)

    def start(self) -> None:
        """Begin to evaluate readings. Call it once."""
        self._loop.start()

    def stop(self) -> None:
        """Stop evaluating readings."""
        self._loop.stop()

    def link_up(self, welcome: Welcome) -> None:
        """Do nothing: the device reports its reading when a link begins."""

    def link_down(self) -> None:
        """Keep the last level."""

    def handle_report(self, report: Report) -> None:
        """Take a reading of this sensor; ignore 0, which means that no echo came."""
        match report:
            case SensorValue(SensorKind.LEVEL, index, distance_mm) if index == self._section.number:
                if distance_mm > 0:
                    self._distance_mm = distance_mm
                    self._loop.wake()

    def _turn(self) -> float | None:
        if self._distance_mm is None:
            return None
        now, was_full = self._clock.now(), self._level.level
        limit_mm = self._section.full_mm + (SLACK_MM if was_full else 0)
        self._level = debounce(self._level, self._distance_mm <= limit_mm, now, self._settling)
        is_full = self._level.level
        if is_full is not was_full and (is_full or was_full is not None):
            self._inbox.post(LevelChanged(now, self._bin, full=is_full is True))
        due = debounced_at(self._level, self._settling)
        return max(0.0, due - now) if due < float("inf") else None
