"""A bin's scale at a microcontroller: posts deposits when the lid shuts."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from config.wiring import ScaleSection
from edge.faults import FaultCode
from edge.hardware.fault_latch import FaultLatch
from edge.hardware.weight.health import ScaleHistory, fault_of, with_reading
from edge.hardware.weight.weighing import Weighing, WeighingRules, lid_opened, lid_shut, weigh
from edge.messages import ChamberChanged, ChamberStirred
from edge.ports import Clock, Inbox
from firmware_bridge.link.messages import Report, SensorKind, SensorValue, Welcome

_TROUBLES = (FaultCode.SCALE_SILENT, FaultCode.SCALE_STUCK, FaultCode.SCALE_SATURATED)


@dataclass(frozen=True, slots=True)
class Reading:
    """A scale's last reading: the converter's counts, and their weight in grams by the scale's factor."""

    counts: int
    grams: int


class Scale:
    """Posts the deposits of one bin, and at most one fault of the scale at a time.

    A fault that began during an opening lasts until the opening is over, so that the bin counts as not
    watched for all of it. `poll` and the part's methods run on the port's thread, the lid's on any thread.
    """

    def __init__(self, bin_id: str, section: ScaleSection, clock: Clock, inbox: Inbox) -> None:
        """Set the scale up; it posts nothing before the link is up or down."""
        self._bin, self._section, self._clock, self._inbox = bin_id, section, clock, inbox
        self._rules = WeighingRules(least_g=section.least_g)
        self._troubles = {code: FaultLatch(code, bin_id, clock, inbox) for code in _TROUBLES}
        self._lock = threading.Lock()
        self._weighing = Weighing()
        self._heard: ScaleHistory | None = None
        self._fault: FaultCode | None = None
        self._is_in_opening = False

    @property
    def reading(self) -> Reading | None:
        """The last reading; None without one, or without a link."""
        last = self._heard
        if last is None or last.counts is None:
            return None
        return Reading(last.counts, round(last.counts / self._section.counts_per_g))

    @property
    def rests(self) -> bool:
        """Whether a weight at rest is known; deposits are compared with it, so they are found only then."""
        return self._weighing.level is not None

    # --- the part at its controller -----------------------------------------------------------------

    def link_up(self, welcome: Welcome) -> None:
        """Wait for the first reading, which the device reports when a link begins."""
        del welcome
        with self._lock:
            self._heard = ScaleHistory(self._clock.now())

    def link_down(self) -> None:
        """Raise SCALE_SILENT: without its controller nothing is weighed."""
        with self._lock:
            self._heard = None
            self._show()

    def handle_report(self, report: Report) -> None:
        """Take a reading of this scale."""
        match report:
            case SensorValue(SensorKind.WEIGHT, index, counts) if index == self._section.number:
                with self._lock:
                    now = self._clock.now()
                    self._heard = with_reading(self._heard or ScaleHistory(now), counts, now)
                    self._look(now)

    def poll(self) -> None:
        """Apply the time that has passed. Call it several times a second while the port is open."""
        with self._lock:
            if self._heard is not None:
                self._look(self._clock.now())

    # --- the lid --------------------------------------------------------------------------------------

    def lid_opened(self) -> None:
        """Begin to look for deposits; does nothing if the lid is already open."""
        with self._lock:
            self._is_in_opening = True
            self._weighing = lid_opened(self._weighing, self._rules)

    def lid_shuts(self) -> None:
        """Post the deposits; call it before the station gets LidClosed and ends the opening."""
        with self._lock:
            self._weighing, deposits = lid_shut(self._weighing, self._rules)
        now = self._clock.now()
        for grams in deposits:
            self._inbox.post(ChamberChanged(now, self._bin, grams, by_scale=True))

    def lid_rests(self) -> None:
        """Let a fault of this opening end; call it after the station got LidClosed."""
        with self._lock:
            self._is_in_opening = False

    def _look(self, now: float) -> None:
        last = self._heard
        if last is not None and last.counts is not None and self._fault is None:
            grams = last.counts / self._section.counts_per_g
            self._weighing, is_new = weigh(self._weighing, grams, now, self._rules)
            if is_new:
                self._inbox.post(ChamberStirred(now, self._bin))
        self._show()

    def _show(self) -> None:
        found = fault_of(self._heard, self._clock.now())
        if found is self._fault or (found is None and self._is_in_opening):
            return
        self._fault = found
        if found is None:
            self._weighing = Weighing()  # weights from before the fault are no longer valid
        for code, latch in sorted(self._troubles.items(), key=lambda pair: pair[0] is found):
            latch.show(on=code is found)  # end the old fault before the new one begins
