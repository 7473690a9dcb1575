"""A card reader at a microcontroller, whose bytes or bits come over the link."""

from __future__ import annotations

import logging

from config.wiring import ReaderKind, ReaderSection
from edge.faults import FaultCode
from edge.hardware.fault_latch import FaultLatch
from edge.ports import Clock, Inbox
from edge.readers.last_seen import LastSeenBook
from edge.readers.pseudonym import Cards
from edge.readers.watch import FRAME_BYTES, RETAP_S, ReaderWatch, again_s
from firmware_bridge.decoders import rdm6300, wiegand
from firmware_bridge.decoders.wiegand import Unreadable
from firmware_bridge.link.messages import Report, SerialBytes, Welcome, WiegandBits

log = logging.getLogger(__name__)


class ControllerReader:
    """Posts Tapped for every card.

    Its fault is READER_FAILED while there is no link, or no reader of its number, and once it gave fewer
    bits of a card than the community knows its fobs by. `ReaderWatch` tells of one that is silent for very
    long, for which the wire has no remedy, or that sends no cards.
    """

    def __init__(
        self,
        section: ReaderSection,
        number: int,
        cards: Cards,
        clock: Clock,
        inbox: Inbox,
        book: LastSeenBook | None = None,
    ) -> None:
        """Read the device's reader of this number; nothing happens before `up`."""
        self._section, self._number, self._cards = section, number, cards
        self._clock, self._inbox = clock, inbox
        self._is_wiegand = section.kind is ReaderKind.WIEGAND
        self._decoder = rdm6300.Rdm6300Decoder()
        self._noise_at: float | None = None
        """When bits came last that were neither a card nor a key press."""
        self._failed = FaultLatch(FaultCode.READER_FAILED, section.id, clock, inbox)
        self._watch = ReaderWatch(section, clock, inbox, book)

    def link_up(self, welcome: Welcome) -> None:
        """See whether the device has this reader."""
        there = welcome.wiegand_readers if self._is_wiegand else welcome.serial_readers
        if self._number >= there:
            log.error(
                "reader %s: the controller has %d such, not number %d", self._section.id, there, self._number
            )
        self._decoder = rdm6300.Rdm6300Decoder()  # half a frame from before must not meet the rest of another
        self._failed.show(on=self._number >= there)
        (self._watch.resume if self._number < there else self._watch.pause)()

    def turn(self) -> None:
        """See whether it has been silent for too long; several times a second."""
        self._watch.is_due()

    def link_down(self) -> None:
        """Raise the reader's fault."""
        self._watch.pause()
        self._failed.show(on=True)

    def handle_report(self, report: Report) -> None:
        """Post what card it was, if this reader saw one."""
        tries = self._tries(report)
        if tries is None:
            return
        self._watch.heard(tries, cards=self._post(self._numbers(report)))

    def _tries(self, report: Report) -> float | None:
        """How often this reader tried to tell of a card; None for a report of something else."""
        match report:
            case SerialBytes(self._number, data) if not self._is_wiegand:
                return len(data) / FRAME_BYTES
            case WiegandBits(self._number) if self._is_wiegand:
                return 1.0
        return None

    def _post(self, numbers: list[str]) -> int:
        """Post a tap for each number that a fob can have; how many those are."""
        found = 0
        for number in numbers:
            try:
                tap = self._cards.tap(number, self._section.id, self._clock.now(), self._again_s())
            except ValueError as error:
                log.error("reader %s: %s; see station.card_bits", self._section.id, error)  # noqa: TRY400 (no bug)
                self._failed.show(on=True)
                found += 1  # a fob all the same: the line is good
                continue
            if tap is not None:
                found += 1
                self._inbox.post(tap)
        return found

    def _again_s(self) -> float:
        """Give the `Tapped.again_s` of what comes now.

        A Wiegand reader sends a fob's bits once, so a second sight of it would be a second tap by hand. Its
        two parity bits let a quarter of all noise through that has the right length; but noise that has it
        comes among more that has not, so only after such is a second tap asked for.
        """
        if not self._is_wiegand:
            return again_s(self._decoder)
        is_noisy = self._noise_at is not None and self._clock.now() - self._noise_at < RETAP_S
        return RETAP_S if is_noisy else 0.0

    def _numbers(self, report: Report) -> list[str]:
        match report:
            case SerialBytes(_, data):
                return self._decoder.feed(data)
            case WiegandBits(_, bits):
                number = wiegand.decode(bits)
                if not isinstance(number, Unreadable):
                    return [number]
                if len(bits) not in wiegand.KEY_PRESS:
                    self._noise_at = self._clock.now()
                log.warning("reader %s: %d bits are no card (%s)", self._section.id, len(bits), number)
        return []
