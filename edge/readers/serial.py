"""The driver of a card reader on a serial port of the Pi. Cards leave here as hashes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from cloud_sync.wire.facts import Credential
from config.wiring import ReaderSection
from edge.faults import FaultCode
from edge.hardware.fault_latch import FaultLatch
from edge.messages import FaultCleared, FaultRaised
from edge.readers.kind import ReaderServices
from edge.readers.watch import ReaderWatch
from firmware_bridge.port_protocol import BUSY, READ_S

log = logging.getLogger(__name__)


class CardDecoder(Protocol):
    """Finds card numbers in a stream of bytes."""

    @property
    def frame_bytes(self) -> int:
        """Bytes that a reader sends for one card: so many without a card are one failed try."""
        ...

    @property
    def again_s(self) -> float:
        """`Tapped.again_s` of the card that came last."""
        ...

    def feed(self, data: bytes) -> list[str]:
        """Return the numbers of all cards that `data` completes."""
        ...


class SerialReader:
    """Posts Tapped for every card's frame. Implements `ReaderDevice`.

    Its fault is READER_FAILED while its port is gone, PORT_BUSY while another program has the port.
    `ReaderWatch` reports one that is silent for long, whose port is then opened again, or sends no cards.
    """

    def __init__(
        self,
        section: ReaderSection,
        port: str,
        baud: int,
        credential: Credential,
        make_decoder: Callable[[], CardDecoder],
        services: ReaderServices,
    ) -> None:
        """Read `port`, a serial device's path; nothing happens until `start`."""
        self._id, self._path, self._credential = section.id, port, credential
        self._make_decoder, self._services = make_decoder, services
        self._decoder = make_decoder()
        self._busy = FaultLatch(FaultCode.PORT_BUSY, section.id, services.clock, services.inbox)
        self._watch = ReaderWatch(section, services.clock, services.inbox, services.last_seen)
        self._port = services.open_port(
            port, baud, self._received, self._lost, self._found, on_poll=self._poll
        )

    def start(self) -> None:
        """Begin to read; once."""
        self._port.start()

    def stop(self) -> None:
        """Close the port, within a second."""
        self._port.stop()

    def _received(self, data: bytes) -> None:
        cards, now = 0, self._services.clock.now()
        for number in self._decoder.feed(data):
            tap = self._services.cards.tap(number, self._id, now, self._decoder.again_s, self._credential)
            if tap is not None:
                cards += 1
                self._services.inbox.post(tap)
        self._watch.note_input(len(data) / self._decoder.frame_bytes, cards=cards)

    def _poll(self) -> float:
        if self._watch.is_due():
            self._port.reopen()
        return READ_S

    def _lost(self, reason: str) -> None:
        log.warning("reader %s on %s: %s", self._id, self._path, reason)
        self._watch.pause()
        kind = FaultCleared if reason == BUSY else FaultRaised
        self._services.inbox.post(kind(self._services.clock.now(), FaultCode.READER_FAILED, self._id))
        self._busy.show(on=reason == BUSY)

    def _found(self) -> None:
        log.info("reader %s on %s: ready", self._id, self._path)
        self._watch.resume()
        self._decoder = self._make_decoder()  # half a frame from before must not be joined to a new one
        self._busy.show(on=False)
        self._services.inbox.post(FaultCleared(self._services.clock.now(), FaultCode.READER_FAILED, self._id))
