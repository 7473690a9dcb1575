"""How the lids' words reach the station: at once, and never waiting for it."""

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


class Voice:
    """What the lids say goes to the station that is connected, if one is. Implements `edge.ports.Inbox`.

    Never blocks: a station that does not read is let go, and is told anew where the lids are when it
    comes back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._station: socket.socket | None = None

    def speak_to(self, station: socket.socket | None) -> None:
        """Say everything to this station from now on; to nobody with None."""
        with self._lock:
            self._station = station

    def post(self, event: Event) -> None:
        """Pass on what a lid's inputs told."""
        if isinstance(event, LidEvent):
            self.say(Moved(event.bin, _ARRIVALS[type(event)], event.at))

    def say(self, report: Report) -> None:
        """Say something, if anybody is there."""
        with self._lock:
            if self._station is None:
                return
            try:
                self._station.send(pack(report), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            except OSError as error:
                log.warning("the station does not listen (%s)", error)
                self._station.shutdown(socket.SHUT_RDWR)  # its own loop closes it
                self._station = None
