"""A card reader on a serial port of the Pi: an RDM6300 or ID-20LA, whose cards leave here as hashes."""

from __future__ import annotations

import logging

from config.wiring import ReaderSection
from edge.faults import FaultCode
from edge.hardware.fault_latch import FaultLatch
from edge.messages import FaultCleared, FaultRaised
from edge.ports import Clock, Inbox
from edge.readers.last_seen import LastSeenBook
from edge.readers.pseudonym import Cards
from edge.readers.watch import FRAME_BYTES, ReaderWatch, again_s
from firmware_bridge.decoders.rdm6300 import BAUD, Rdm6300Decoder
from firmware_bridge.port import BUSY, READ_S, SerialPort

log = logging.getLogger(__name__)


class SerialReader:
    """Posts Tapped for every frame of a card; its fault is READER_FAILED while its port is gone.

    While another program has the port, the fault is PORT_BUSY. `ReaderWatch` tells of one that is silent
    for very long, whose port is opened again then, or that sends no cards.
    """

    def __init__(
        self,
        section: ReaderSection,
        port: str,
        cards: Cards,
        clock: Clock,
        inbox: Inbox,
        book: LastSeenBook | None = None,
    ) -> None:
        """Read `port`, a serial device's path; nothing happens until `start`."""
        self._id = section.id
        self._path = port
        self._cards = cards
        self._clock = clock
        self._inbox = inbox
        self._decoder = Rdm6300Decoder()
        self._busy = FaultLatch(FaultCode.PORT_BUSY, section.id, clock, inbox)
        self._watch = ReaderWatch(section, clock, inbox, book)
        self._port = SerialPort(port, BAUD, self._received, self._lost, self._found, on_poll=self._turn)

    def start(self) -> None:
        """Begin to read; once."""
        self._port.start()

    def stop(self) -> None:
        """Close the port, within a second."""
        self._port.stop()

    def _received(self, data: bytes) -> None:
        found = 0
        for number in self._decoder.feed(data):
            tap = self._cards.tap(number, self._id, self._clock.now(), again_s(self._decoder))
            if tap is not None:
                found += 1
                self._inbox.post(tap)
        self._watch.heard(len(data) / FRAME_BYTES, cards=found)

    def _turn(self) -> float:
        if self._watch.is_due():
            self._port.reopen()
        return READ_S

    def _lost(self, reason: str) -> None:
        log.warning("reader %s on %s: %s", self._id, self._path, reason)
        self._watch.pause()
        kind = FaultCleared if reason == BUSY else FaultRaised
        self._inbox.post(kind(self._clock.now(), FaultCode.READER_FAILED, self._id))
        self._busy.show(on=reason == BUSY)

    def _found(self) -> None:
        log.info("reader %s on %s: ready", self._id, self._path)
        self._watch.resume()
        self._decoder = Rdm6300Decoder()  # half a frame from before must not meet the rest of another
        self._busy.show(on=False)
        self._inbox.post(FaultCleared(self._clock.now(), FaultCode.READER_FAILED, self._id))
