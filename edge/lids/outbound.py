"""Sends the lids' reports to the station, without waiting for it."""

from __future__ import annotations

import logging
import socket
import threading

from edge.lids.protocol import Arrival, Moved, Report, pack
from edge.messages import Event, LeaseRefused, LeaseTaken, LidClosed, LidEvent, LidObstructed, LidOpened

log = logging.getLogger(__name__)

_ARRIVALS = {
    LidOpened: Arrival.OPENED,
    LidClosed: Arrival.CLOSED,
    LidObstructed: Arrival.OBSTRUCTED,
    LeaseTaken: Arrival.LEASED,
    LeaseRefused: Arrival.REFUSED,
}


class Outbound:
    """Sends reports to the connected station, if there is one. Implements `edge.ports.Inbox`.

    Never blocks: a station that does not read is disconnected, and gets the lids' positions again when it
    reconnects.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._station: socket.socket | None = None

    def connect(self, station: socket.socket | None) -> None:
        """Send reports to this station from now on; with None, to nobody."""
        with self._lock:
            self._station = station

    def post(self, event: Event) -> None:
        """Report a lid's event."""
        if isinstance(event, LidEvent):
            self.send(Moved(event.bin, _ARRIVALS[type(event)], event.at))

    def send(self, report: Report) -> None:
        """Send a report, if a station is connected."""
        with self._lock:
            if self._station is None:
                return
            try:
                self._station.send(pack(report), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            except OSError as error:
                log.warning("the station does not read; it is disconnected (%s)", error)
                self._station.shutdown(socket.SHUT_RDWR)  # its own loop closes it
                self._station = None
