"""A card reader at a microcontroller, whose bytes or bits come over the link."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from cloud_sync.cards import card_hash
from cloud_sync.facts import Credential
from config.wiring import ReaderKind
from edge.drivers.lamp import FaultLamp
from edge.faults import FaultCode
from edge.messages import Tapped
from firmware_bridge.messages import SerialBytes
from firmware_bridge.readers import rdm6300

if TYPE_CHECKING:
    from config.wiring import ReaderSection
    from edge.ports import Clock, Inbox
    from firmware_bridge.messages import Report, Welcome

log = logging.getLogger(__name__)


class McuReader:
    """Posts Tapped for every card; READER_FAILED while there is no link, or no reader of its number.

    A card's number lives only between decoder and hash; nothing keeps or logs it.
    """

    def __init__(
        self, section: ReaderSection, number: int, card_key: bytes, clock: Clock, inbox: Inbox
    ) -> None:
        """ValueError for a card key of the wrong length."""
        card_hash(card_key, Credential.EM4100, "0" * 10)  # a wrong key is refused now, not at the first tap
        self._section, self._number, self._key = section, number, card_key
        self._clock, self._inbox = clock, inbox
        self._is_wiegand = section.kind is ReaderKind.WIEGAND
        self._decoder = rdm6300.Decoder()
        self._failed = FaultLamp(FaultCode.READER_FAILED, section.id, clock, inbox)

    def up(self, welcome: Welcome) -> None:
        """See whether the device has this reader."""
        there = welcome.wiegand_readers if self._is_wiegand else welcome.serial_readers
        if self._number >= there:
            log.error(
                "reader %s: the controller has %d such, not number %d", self._section.id, there, self._number
            )
        self._decoder = rdm6300.Decoder()  # half a frame from before must not meet the rest of another
        self._failed.show(on=self._number >= there)

    def down(self) -> None:
        """Raise the reader's fault."""
        self._failed.show(on=True)

    def told(self, report: Report) -> None:
        """Post what card it was, if this reader saw one."""
        for number in self._numbers(report):
            card = card_hash(self._key, Credential.EM4100, number)
            self._inbox.post(Tapped(self._clock.now(), self._section.id, card, Credential.EM4100))

    def _numbers(self, report: Report) -> list[str]:
        match report:
            case SerialBytes(reader, data) if reader == self._number and not self._is_wiegand:
                return self._decoder.feed(data)
        return []
