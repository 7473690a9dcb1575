"""A card reader on a serial port of the Pi: an RDM6300, whose cards leave here as hashes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from cloud_sync.cards import card_hash
from cloud_sync.facts import Credential
from edge.drivers.lamp import FaultLamp
from edge.faults import FaultCode
from edge.messages import FaultCleared, FaultRaised, Tapped
from firmware_bridge.port import BUSY, SerialPort
from firmware_bridge.readers.rdm6300 import BAUD, Decoder

if TYPE_CHECKING:
    from edge.ports import Clock, Inbox

log = logging.getLogger(__name__)


class SerialReader:
    """Posts Tapped for every frame of a card; its fault is READER_FAILED while its port is gone.

    While another program has the port, the fault is PORT_BUSY. A card's number lives only between decoder
    and hash; nothing keeps or logs it. ValueError for a card key of the wrong length.
    """

    def __init__(self, reader_id: str, port: str, card_key: bytes, clock: Clock, inbox: Inbox) -> None:
        """Read `port`, a serial device's path, as the reader `reader_id`; nothing happens until `start`."""
        card_hash(card_key, Credential.EM4100, "0" * 10)  # a wrong key is refused now, not at the first tap
        self._id = reader_id
        self._path = port
        self._key = card_key
        self._clock = clock
        self._inbox = inbox
        self._decoder = Decoder()
        self._busy = FaultLamp(FaultCode.PORT_BUSY, reader_id, clock, inbox)
        self._port = SerialPort(port, BAUD, self._received, self._lost, self._found)

    def start(self) -> None:
        """Begin to read; once."""
        self._port.start()

    def stop(self) -> None:
        """Close the port, within a second."""
        self._port.stop()

    def _received(self, data: bytes) -> None:
        for number in self._decoder.feed(data):
            card = card_hash(self._key, Credential.EM4100, number)
            self._inbox.post(Tapped(self._clock.now(), self._id, card, Credential.EM4100))

    def _lost(self, reason: str) -> None:
        log.warning("reader %s on %s: %s", self._id, self._path, reason)
        kind = FaultCleared if reason == BUSY else FaultRaised
        self._inbox.post(kind(self._clock.now(), FaultCode.READER_FAILED, self._id))
        self._busy.show(on=reason == BUSY)

    def _found(self) -> None:
        log.info("reader %s on %s: ready", self._id, self._path)
        self._decoder = Decoder()  # half a frame from before must not meet the rest of another
        self._busy.show(on=False)
        self._inbox.post(FaultCleared(self._clock.now(), FaultCode.READER_FAILED, self._id))
