"""RDM6300: a 125 kHz reader that sends an EM4100 fob's number as text, again and again while it is held.

9600 baud, 8N1. A frame is 14 bytes: 02, the fob's five bytes as ten hex digits, their XOR as two hex
digits, 03. Format and example (62E3086CED, checksum 08): Seeed Studio, "125Khz RFID module - UART",
https://wiki.seeedstudio.com/125Khz_RFID_module-UART/. The fob's printed decimal number is its last four
bytes: https://forum.hobbycomponents.com/viewtopic.php?f=82&p=7544.
"""

from __future__ import annotations

from functools import reduce
from operator import xor

BAUD = 9600

_START = 0x02
_END = 0x03
_DIGITS = frozenset(b"0123456789ABCDEFabcdef")
_BYTES = 6
"""The fob's five bytes and their checksum."""


class Decoder:
    """Finds frames in a stream of bytes, however it is cut and whatever stands between them.

    A start byte always begins a new frame, since no frame has one inside: that is how the decoder finds
    its way back after noise. It never holds more than twelve digits.
    """

    def __init__(self) -> None:
        self._digits: bytearray | None = None
        """What has come of the frame at hand; None outside of a frame."""

    def feed(self, data: bytes) -> list[str]:
        """Give the numbers of all frames that `data` completes: five bytes as ten lower-case hex digits."""
        return [number for byte in data if (number := self._take(byte)) is not None]

    def _take(self, byte: int) -> str | None:
        digits, self._digits = self._digits, None
        if byte == _START:
            self._digits = bytearray()
        elif digits is not None and byte in _DIGITS and len(digits) < 2 * _BYTES:
            digits.append(byte)
            self._digits = digits
        elif digits is not None and byte == _END:
            return _number(digits)
        return None


def _number(digits: bytearray) -> str | None:
    """Give a whole frame's number; None if it is short or its checksum is wrong."""
    content = bytes.fromhex(digits.decode("ascii")) if len(digits) == 2 * _BYTES else b""
    # The XOR over the fob's bytes and their checksum is zero when nothing was flipped on the way.
    return content[:-1].hex() if content and reduce(xor, content) == 0 else None
