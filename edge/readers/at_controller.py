"""The driver of a card reader at a microcontroller, whose bytes or bits come over the link."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from cloud_sync.wire.facts import Credential
from config.wiring import ReaderSection
from edge.faults import FaultCode
from edge.hardware.fault_latch import FaultLatch
from edge.readers.kind import ReaderServices
from edge.readers.serial import CardDecoder
from edge.readers.watch import ReaderWatch
from firmware_bridge.link.messages import Report, SerialBytes, Welcome

log = logging.getLogger(__name__)


class InputDecoder(Protocol):
    """Turns one input's reports into card numbers."""

    def count(self, welcome: Welcome) -> int:
        """Return how many inputs of this sort the device has."""
        ...

    def reset(self) -> None:
        """Forget half a frame: a new link begins."""
        ...

    def tries(self, report: Report) -> float | None:
        """Return how many tries to send a card a report is; None for a report of something else."""
        ...

    def numbers(self, report: Report) -> list[str]:
        """Return the numbers of all cards that a report completes."""
        ...

    def again_s(self) -> float:
        """Return `Tapped.again_s` of the cards that came last."""
        ...


class SerialInput:
    """Decodes a controller's serial reader of one number."""

    def __init__(self, number: int, make_decoder: Callable[[], CardDecoder]) -> None:
        """`make_decoder` makes the decoder of a new link."""
        self._number, self._make_decoder = number, make_decoder
        self._decoder = make_decoder()

    def count(self, welcome: Welcome) -> int:
        """Return how many serial readers the device has."""
        return welcome.serial_readers

    def reset(self) -> None:
        """Forget half a frame."""
        self._decoder = self._make_decoder()

    def tries(self, report: Report) -> float | None:
        """Count bytes in frames."""
        match report:
            case SerialBytes(self._number, data):
                return len(data) / self._decoder.frame_bytes
        return None

    def numbers(self, report: Report) -> list[str]:
        """Feed the bytes of a report to the decoder."""
        return self._decoder.feed(report.data) if isinstance(report, SerialBytes) else []

    def again_s(self) -> float:
        """Ask the decoder."""
        return self._decoder.again_s


class ControllerReader:
    """Posts Tapped for every card of one reader at a controller. Implements `ControllerPart`.

    Its fault is READER_FAILED while there is no link, while the device has no input of its number, and after
    it sent fewer bits of a card than `station.card_bits`. `ReaderWatch` reports one that is silent for long
    or sends no cards; nothing can be reset over this wire.
    """

    def __init__(
        self,
        section: ReaderSection,
        number: int,
        credential: Credential,
        decoder: InputDecoder,
        services: ReaderServices,
    ) -> None:
        """Read the device's input of this number; nothing happens before `link_up`."""
        self._id, self._number, self._credential = section.id, number, credential
        self._decoder, self._services = decoder, services
        self._failed = FaultLatch(FaultCode.READER_FAILED, section.id, services.clock, services.inbox)
        self._watch = ReaderWatch(section, services.clock, services.inbox, services.last_seen)

    def link_up(self, welcome: Welcome) -> None:
        """Check that the device has this input."""
        count = self._decoder.count(welcome)
        is_there = self._number < count
        if not is_there:
            log.error("reader %s: the controller has %d such, not number %d", self._id, count, self._number)
        self._decoder.reset()  # half a frame of the old link must not be joined to a new one
        self._failed.show(on=not is_there)
        (self._watch.resume if is_there else self._watch.pause)()

    def link_down(self) -> None:
        """Raise the reader's fault."""
        self._watch.pause()
        self._failed.show(on=True)

    def poll(self) -> None:
        """Check whether it has been silent for too long."""
        self._watch.is_due()

    def handle_report(self, report: Report) -> None:
        """Post the card, if this reader saw one."""
        tries = self._decoder.tries(report)
        if tries is None:
            return
        self._watch.note_input(tries, cards=self._post(self._decoder.numbers(report)))

    def _post(self, numbers: list[str]) -> int:
        """Post a tap for each number that a card can have; return how many there were."""
        cards, now = 0, self._services.clock.now()
        for number in numbers:
            try:
                tap = self._services.cards.tap(
                    number, self._id, now, self._decoder.again_s(), self._credential
                )
            except ValueError as error:
                log.error("reader %s: %s; see station.card_bits", self._id, error)  # noqa: TRY400 (no bug)
                self._failed.show(on=True)
                cards += 1  # the line is good all the same
                continue
            if tap is not None:
                cards += 1
                self._services.inbox.post(tap)
        return cards
