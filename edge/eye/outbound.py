"""Sends the eye's reports to the station; never blocks."""

from __future__ import annotations

from edge.eye.protocol import BinChanged, EyeFault, EyeReport, FaultTold, Sees, packed
from edge.local.outbound import LocalOutbound
from edge.messages import ChamberChanged, Event, FaultCleared, FaultRaised


class EyeOutbound(LocalOutbound):
    """Sends reports to the connected station, if there is one. Implements `edge.ports.Inbox`.

    It remembers which faults are active, for a station that connects later.
    """

    def __init__(self) -> None:
        super().__init__()
        self._faults: frozenset[EyeFault] = frozenset()

    def post(self, event: Event) -> None:
        """Report an event of a camera or of the model."""
        match event:
            case ChamberChanged(at, bin_id):
                self.send(BinChanged(bin_id, at))
            case FaultRaised(at, code, part):
                self._tell(EyeFault(code, part), at, is_raised=True)
            case FaultCleared(at, code, part):
                self._tell(EyeFault(code, part), at, is_raised=False)

    def greet(self) -> None:
        """Send the active faults."""
        self.send(Sees(tuple(self._faults)))

    def send(self, report: EyeReport) -> None:
        """Send a report, if a station is connected."""
        self.send_packet(packed(report))

    def _tell(self, fault: EyeFault, at: float, *, is_raised: bool) -> None:
        self._faults = self._faults | {fault} if is_raised else self._faults - {fault}
        self.send(FaultTold(fault, is_raised, at))
