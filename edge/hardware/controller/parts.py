"""Parts at a microcontroller: their common interface, lids, and smoke and panic inputs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from config.station import VisitSection
from edge.faults import FaultCode
from edge.hardware.fault_latch import FaultLatch
from edge.messages import LeaseRefused, LeaseTaken, LidClosed, LidObstructed, LidOpened
from edge.ports import Clock, Inbox
from firmware_bridge.link.messages import (
    Cause,
    EndLease,
    LidState,
    OpenLid,
    Position,
    Report,
    Request,
    SensorKind,
    SensorValue,
    SetLid,
    Welcome,
)

Ask = Callable[[Request], None]

log = logging.getLogger(__name__)

_MS = 1000


class Part(Protocol):
    """A part at a microcontroller. All methods are called on the port's thread."""

    def link_up(self, welcome: Welcome) -> None:
        """Handle a new link; `welcome` tells what the device has."""
        ...

    def link_down(self) -> None:
        """Handle the loss of the link."""
        ...

    def handle_report(self, report: Report) -> None:
        """Take a report of the device; most reports concern other parts."""
        ...


class McuLid:
    """One bin's lid at a microcontroller. Implements `edge.ports.Lid`.

    Its fault is LID_UNREACHABLE while there is no link, and LID_MISSING while the device has no lid with its
    number.
    """

    def __init__(self, bin_id: str, number: int, waits: VisitSection, clock: Clock, inbox: Inbox) -> None:
        """Set the lid up; it sends nothing before `send_by`."""
        self._bin, self._number, self._waits = bin_id, number, waits
        self._clock, self._inbox = clock, inbox
        self._ask: Ask = lambda _: None
        self._cause: Cause | None = None
        self._position: Position | None = None
        self._away = FaultLatch(FaultCode.LID_UNREACHABLE, bin_id, clock, inbox)
        self._missing = FaultLatch(FaultCode.LID_MISSING, bin_id, clock, inbox)

    def send_by(self, ask: Ask) -> None:
        """Send requests through `ask`."""
        self._ask = ask

    def open(self, lease_s: float) -> None:
        """Open, or stay open, for at most `lease_s` seconds from now; does nothing without a link."""
        self._ask(OpenLid(self._number, round(lease_s * _MS)))

    def end_lease(self) -> None:
        """Let the lid shut now; without a link the device shuts it when the lease ends."""
        self._ask(EndLease(self._number))

    def lease_taken(self, number: int) -> None:
        """Post that the device took a lease, if it is this lid's."""
        if number == self._number:
            self._inbox.post(LeaseTaken(self._clock.now(), self._bin))

    def lease_refused(self, number: int) -> None:
        """Post that the device refused a lease, if it is this lid's."""
        if number == self._number:
            self._inbox.post(LeaseRefused(self._clock.now(), self._bin))

    def report_position(self) -> None:
        """Post the lid's last known position again."""
        now = self._clock.now()
        if self._position is Position.OPEN:
            self._inbox.post(LidOpened(now, self._bin))
        elif self._position is Position.SHUT:
            self._inbox.post(LidClosed(now, self._bin))

    def link_up(self, welcome: Welcome) -> None:
        """Send the lid's time limits to the device, or raise LID_MISSING."""
        has_it = self._number < welcome.lids
        self._away.show(on=False)
        self._missing.show(on=not has_it)
        if has_it:
            travel_ms, patience_ms = (
                round(s * _MS) for s in (self._waits.travel_s, self._waits.obstructed_s)
            )
            self._ask(SetLid(self._number, travel_ms, patience_ms=patience_ms))
        else:
            log.error(
                "bin %s: the controller has %d lids, not number %d", self._bin, welcome.lids, self._number
            )

    def link_down(self) -> None:
        """Raise LID_UNREACHABLE."""
        self._missing.show(on=False)
        self._away.show(on=True)

    def handle_report(self, report: Report) -> None:
        """Post the position and any obstruction, if the report is of this lid."""
        if not isinstance(report, LidState) or report.lid != self._number:
            return
        now, before, self._cause = self._clock.now(), self._cause, report.cause
        self._position = report.position
        self.report_position()
        # Post each reversal, but the wait at the open end only once.
        is_news = before is not Cause.OBSTRUCTED or report.position is Position.OPENING
        if report.cause is Cause.OBSTRUCTED and is_news:
            self._inbox.post(LidObstructed(now, self._bin))
        if report.cause in (Cause.LEFT_OPEN, Cause.TRAVEL_TIMEOUT, Cause.BOTH_SWITCHES):
            log.warning("lid %s: %s", self._bin, report.cause.name.lower().replace("_", " "))


class EmergencyInputs:
    """Smoke and panic inputs of one microcontroller, posted as its faults; the station acts on them."""

    def __init__(self, controller: str, clock: Clock, inbox: Inbox) -> None:
        """Use `controller` as the part of both faults."""
        self._smoke = FaultLatch(FaultCode.SMOKE, controller, clock, inbox)
        self._panic = FaultLatch(FaultCode.PANIC, controller, clock, inbox)
        self._smoking: set[int] = set()
        self._pressed: set[int] = set()

    def link_up(self, welcome: Welcome) -> None:
        """Forget the old states: the device reports every input when a link begins."""
        del welcome
        self._smoking.clear()
        self._pressed.clear()

    def link_down(self) -> None:
        """Keep the last state: a lost link does not end smoke."""

    def handle_report(self, report: Report) -> None:
        """Raise or clear SMOKE or PANIC by an input's report."""
        match report:
            case SensorValue(SensorKind.SMOKE, index, value):
                self._note(self._smoking, self._smoke, index, on=bool(value))
            case SensorValue(SensorKind.PANIC, index, value):
                self._note(self._pressed, self._panic, index, on=bool(value))

    def _note(self, inputs: set[int], latch: FaultLatch, index: int, *, on: bool) -> None:
        (inputs.add if on else inputs.discard)(index)
        latch.show(on=bool(inputs))
