"""RDM6300, ID-12LA and ID-20LA: 125 kHz readers that send a fob's number over a serial line."""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import Annotated

from msgspec import Meta

from cloud_sync.wire.facts import Credential
from config.errors import Problem
from config.wiring import ControllerInput, Index, ReaderInput, ReaderSection, ReaderWiring, Slug
from config.words import Both
from edge.readers.at_controller import ControllerReader, SerialInput
from edge.readers.kind import ReaderKind, ReaderServices, Transmission
from edge.readers.serial import SerialReader
from edge.readers.watch import REPEAT_S
from firmware_bridge.decoders.rdm6300 import BAUD, FRAME_BYTES, Rdm6300Decoder

HELD_EVERY_S = 0.065
"""An RDM6300 sends the frame of a fob that is held to it so often."""


class Rdm6300Section(ReaderSection, frozen=True, kw_only=True, tag="rdm6300"):
    """On a serial port of the Pi, or at a controller. Real devices need one of the two."""

    port: Annotated[str, Meta(min_length=1)] | None = None
    """The Pi's serial port."""
    controller: Slug | None = None
    number: Index | None = None
    """Which of the controller's serial readers, from 0."""

    @property
    def wiring(self) -> ReaderWiring:
        """Its port, or its input at the controller."""
        if self.controller is None or self.number is None:
            return ReaderWiring(port=self.port)
        return ReaderWiring(self.port, ControllerInput(self.controller, self.number, ReaderInput.SERIAL))

    def problems(self) -> list[Problem]:
        """Ask for exactly one of a port and a controller."""
        if self.controller is None and self.number is not None:
            return [("number: means nothing without a controller", 'add controller = "…"')]
        if self.controller is not None and self.port is not None:
            mend = "keep port, or controller and number"
            return [("port: the reader is at a controller already", mend)]
        if self.controller is not None and self.number is None:
            return [("number: missing, and the reader is at a controller", "add number = 0")]
        if self.controller is None and self.port is None:
            mend = 'add port = "/dev/…", or controller and number'
            return [("port: a real reader needs its serial port", mend)]
        return []


class _Decoder(Rdm6300Decoder):
    """Also says how often a reader of this kind repeats a card."""

    frame_bytes = FRAME_BYTES

    @property
    def again_s(self) -> float:
        """0 for an ID-20LA, which sends a fob's frame only once."""
        return 0.0 if self.sends_once else REPEAT_S


def _drive(section: Rdm6300Section, services: ReaderServices) -> SerialReader:
    return SerialReader(section, section.port or "", BAUD, KIND.credential, _Decoder, services)


def _attach(section: Rdm6300Section, at: ControllerInput, services: ReaderServices) -> ControllerReader:
    decoder = SerialInput(at.number, _Decoder)
    return ControllerReader(section, at.number, KIND.credential, decoder, services)


def _transmit(section: Rdm6300Section, number: str) -> Transmission:
    del section
    checksum = reduce(xor, bytes.fromhex(number))
    frame = b"\x02" + f"{number}{checksum:02x}".upper().encode("ascii") + b"\x03"
    return Transmission(frame, HELD_EVERY_S)


KIND: ReaderKind[Rdm6300Section] = ReaderKind(
    section=Rdm6300Section,
    title=Both("RDM6300 / ID-20LA 串口读卡器", "RDM6300, ID-12LA, ID-20LA (125 kHz, serial)"),
    wired_to="`port`: a serial port of the Pi; or `controller` and `number`: a controller's serial reader",
    tells="an EM4100 fob's 40 bits",
    unread_mend=Both(
        "检查天线、电源和 TX 线；确认卡是 125 kHz EM4100。",
        "Check the antenna, the power and the TX wire; make sure that the card is a 125 kHz EM4100.",
    ),
    credential=Credential.EM4100,
    is_clonable=True,
    drive=_drive,
    attach=_attach,
    transmit=_transmit,
)
