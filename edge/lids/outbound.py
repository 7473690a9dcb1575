"""Sends the lids' reports to the station, without waiting for it."""

from __future__ import annotations

from edge.lids.protocol import Arrival, Moved, Report, pack
from edge.local.outbound import LocalOutbound
from edge.messages import Event, LeaseRefused, LeaseTaken, LidClosed, LidEvent, LidObstructed, LidOpened

_ARRIVALS = {
    LidOpened: Arrival.OPENED,
    LidClosed: Arrival.CLOSED,
    LidObstructed: Arrival.OBSTRUCTED,
    LeaseTaken: Arrival.LEASED,
    LeaseRefused: Arrival.REFUSED,
}


class Outbound(LocalOutbound):
    """Sends reports to the connected station, if there is one. Implements `edge.ports.Inbox`."""

    def post(self, event: Event) -> None:
        """Report a lid's event."""
        if isinstance(event, LidEvent):
            self.send(Moved(event.bin, _ARRIVALS[type(event)], event.at))

    def send(self, report: Report) -> None:
        """Send a report, if a station is connected."""
        self.send_packet(pack(report))
