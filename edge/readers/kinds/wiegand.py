"""Wiegand 26 and 34: readers of any make that send bits on two wires, D0 and D1, to a controller."""

from __future__ import annotations

import logging
from typing import Literal

from cloud_sync.wire.facts import Credential
from config.errors import Problem
from config.wiring import ControllerInput, Index, ReaderInput, ReaderSection, ReaderWiring, Slug
from config.words import Both
from edge.ports import Clock
from edge.readers.at_controller import ControllerReader
from edge.readers.kind import ReaderKind, ReaderServices, Transmission
from edge.readers.watch import RETAP_S
from firmware_bridge.decoders import wiegand
from firmware_bridge.decoders.em4100 import CardBits
from firmware_bridge.decoders.wiegand import Unreadable
from firmware_bridge.link.messages import Report, Welcome, WiegandBits

log = logging.getLogger(__name__)

_FOB_BITS = {26: CardBits.WIEGAND_26, 34: CardBits.WIEGAND_34, None: CardBits.WIEGAND_34}


class WiegandSection(ReaderSection, frozen=True, kw_only=True, tag="wiegand"):
    """At a controller: the Pi itself cannot time pulses of 50 µs."""

    controller: Slug | None = None
    number: Index | None = None
    """Which of the controller's Wiegand readers, from 0."""
    bits: Literal[26, 34] | None = None
    """The one format that the reader sends; what has another length is no card. Both count without it."""

    @property
    def wiring(self) -> ReaderWiring:
        """Its input at the controller."""
        if self.controller is None or self.number is None:
            return ReaderWiring()
        return ReaderWiring(input=ControllerInput(self.controller, self.number, ReaderInput.WIEGAND))

    @property
    def fob_bits(self) -> int:
        """24 of Wiegand 26, 32 of Wiegand 34."""
        return _FOB_BITS[self.bits]

    def problems(self) -> list[Problem]:
        """Ask for a controller and a number."""
        if self.controller is None:
            return [("controller: missing, and the Pi takes no Wiegand", "wire it to a controller")]
        if self.number is None:
            return [("number: missing, and the reader is at a controller", "add number = 0")]
        return []


class WiegandInput:
    """Decodes a controller's Wiegand reader of one number."""

    def __init__(self, section: WiegandSection, number: int, clock: Clock) -> None:
        """Take only the section's format, if it names one."""
        self._id, self._bits, self._number, self._clock = section.id, section.bits, number, clock
        self._noise_at: float | None = None
        """When bits last came that were neither a card nor a key press."""

    def count(self, welcome: Welcome) -> int:
        """Return how many Wiegand readers the device has."""
        return welcome.wiegand_readers

    def reset(self) -> None:
        """Nothing to forget: each report is a whole card."""

    def tries(self, report: Report) -> float | None:
        """Each report of this reader is one try."""
        return 1.0 if isinstance(report, WiegandBits) and report.reader == self._number else None

    def numbers(self, report: Report) -> list[str]:
        """Return the number in a report's bits, if they are a card."""
        if not isinstance(report, WiegandBits):
            return []
        bits = report.bits
        is_other_format = self._bits is not None and len(bits) != self._bits
        number = Unreadable.LENGTH if is_other_format else wiegand.decode(bits)
        if not isinstance(number, Unreadable):
            return [number]
        if len(bits) not in wiegand.KEY_PRESS:
            self._noise_at = self._clock.now()
        log.warning("reader %s: %d bits are no card (%s)", self._id, len(bits), number)
        return []

    def again_s(self) -> float:
        """Ask for a second tap only after noise.

        The reader sends a fob's bits once, so a second sight is a second tap by hand. Its two parity bits let
        a quarter of all noise of the right length through; but such noise comes among more of other lengths.
        """
        is_noisy = self._noise_at is not None and self._clock.now() - self._noise_at < RETAP_S
        return RETAP_S if is_noisy else 0.0


def _attach(section: WiegandSection, at: ControllerInput, services: ReaderServices) -> ControllerReader:
    decoder = WiegandInput(section, at.number, services.clock)
    return ControllerReader(section, at.number, KIND.credential, decoder, services)


def _transmit(section: WiegandSection, number: str) -> Transmission:
    width = section.fob_bits
    data = f"{int(number, 16) % 2**width:0{width}b}"
    first, second = data[: width // 2], data[width // 2 :]
    return Transmission(f"{first.count('1') % 2}{data}{1 - second.count('1') % 2}")


KIND: ReaderKind[WiegandSection] = ReaderKind(
    section=WiegandSection,
    title=Both("韦根 26 / 34 读卡器", "Wiegand 26 or 34"),
    wired_to="`controller` and `number`: a controller's D0 and D1; `bits` (26 or 34) takes that format only",
    tells="24 bits of a fob (Wiegand 26), or 32 (Wiegand 34)",
    unread_mend=Both(
        "检查读卡器电源、D0 与 D1 两根线是否接反；确认卡的类型与读卡器相符。",
        "Check the reader's power and that D0 and D1 are not exchanged; try a card of its kind.",
    ),
    credential=Credential.EM4100,
    is_clonable=True,
    drive=None,
    attach=_attach,
    transmit=_transmit,
)
