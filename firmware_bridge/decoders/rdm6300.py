"""Decodes serial 125 kHz readers that send an EM4100 fob's number as text: RDM6300, ID-12LA, ID-20LA.

9600 baud, 8N1. A frame is 14 bytes: 02, the fob's five bytes as ten hex digits, their XOR as two hex
digits, 03; an RDM6300 sends it every 65 ms while the fob is held. Format and example (62E3086CED, checksum
08): Seeed Studio, "125Khz RFID module - UART",
https://wiki.seeedstudio.com/125Khz_RFID_module-UART/. The fob's printed decimal number is its last four
bytes: https://forum.hobbycomponents.com/viewtopic.php?f=82&p=7544. An ID-12LA or ID-20LA puts CR LF before
the end byte, and sends its frame once each time that a fob comes near: ID Innovations, ID-20LA data sheet,
"Data Format".
"""

from __future__ import annotations

from functools import reduce
from operator import xor

BAUD = 9600
FRAME_BYTES = 14

_START = 0x02
_END = 0x03
_DIGITS = frozenset(b"0123456789ABCDEFabcdef")
_NEW_LINE = b"\r\n"
"""An ID-20LA sends it before the end byte."""
_BYTES = 6
"""The fob's five bytes and their checksum."""


class Rdm6300Decoder:
    """Finds frames in a stream of bytes cut anywhere, with noise between them.

    A start byte always begins a new frame, because no frame has one inside: so the decoder resynchronises
    after noise. It never buffers more than twelve digits and a line end.
    """

    sends_once = False
    """Whether the last complete frame came from a reader that sends one frame each time a fob comes near."""

    def __init__(self) -> None:
        self._digits: bytearray | None = None
        """The received part of the current frame; None outside of a frame."""

    def feed(self, data: bytes) -> list[str]:
        """Return the numbers of the frames that `data` completes, as ten lower-case hex digits."""
        return [number for byte in data if (number := self._take(byte)) is not None]

    def _take(self, byte: int) -> str | None:
        digits, self._digits = self._digits, None
        if byte == _START:
            self._digits = bytearray()
        elif digits is not None and byte == _END:
            return self._whole(digits)
        elif digits is not None and _fits(digits, byte):
            digits.append(byte)
            self._digits = digits
        return None

    def _whole(self, frame: bytearray) -> str | None:
        digits, end = frame[: 2 * _BYTES], frame[2 * _BYTES :]
        number = _number(digits) if end in (b"", _NEW_LINE) else None
        if number is not None:
            self.sends_once = end == _NEW_LINE
        return number


def _fits(frame: bytearray, byte: int) -> bool:
    """Return whether a byte may be the next one of a frame."""
    after = len(frame) - 2 * _BYTES
    return byte in _DIGITS if after < 0 else byte in _NEW_LINE[after : after + 1]


def _number(digits: bytearray) -> str | None:
    """Return a complete frame's number; None if it is too short or its checksum is wrong."""
    content = bytes.fromhex(digits.decode("ascii")) if len(digits) == 2 * _BYTES else b""
    # The XOR over the fob's bytes and their checksum is zero if no bit was flipped.
    return content[:-1].hex() if content and reduce(xor, content) == 0 else None
