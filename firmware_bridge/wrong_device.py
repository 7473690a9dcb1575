"""Detects another device on a port where a microcontroller is expected. Pure."""

from __future__ import annotations

from enum import StrEnum, auto

from firmware_bridge.decoders import rdm6300

_TOO_MUCH_NOISE = 64
"""Bytes without a frame; a microcontroller's boot loader sends fewer."""


class OtherDevice(StrEnum):
    """A device that is not one of our microcontrollers."""

    CARD_READER = auto()
    """An RDM6300: a card was held to it."""
    ECHO = auto()
    """Our own frames come back: a modem, a loop-back plug, or transmit wired to receive."""
    NOISE = auto()
    """Bytes without a frame: another baud rate, another device, or a bad ground."""


class DeviceDetector:
    """Identifies another device by its bytes while the handshake is unanswered."""

    def __init__(self) -> None:
        self._reader = rdm6300.Rdm6300Decoder()
        self._noise = 0

    def feed(self, data: bytes, frames: int) -> OtherDevice | None:
        """Take bytes in which `frames` frames were found; return the device once identified, else None."""
        if self._reader.feed(data):
            return OtherDevice.CARD_READER
        self._noise = 0 if frames else self._noise + len(data)
        return OtherDevice.NOISE if self._noise >= _TOO_MUCH_NOISE else None
