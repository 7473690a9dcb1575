"""Encodes and decodes the frames between the Pi and a microcontroller. Pure.

A frame is COBS-encoded and ends with a zero; after noise the next zero resynchronises. Inside: length, type,
sequence number, body, and CRC-16/XMODEM with a final XOR. Without that XOR, a delimiter flipped to 01 would
append a zero that the CRC accepts; the length byte catches that, too. docs/protocol.md specifies the format.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum, auto

MAX_BODY = 64
LONGEST_CODED = 1 + MAX_BODY + 2 + 2 + 1
"""Bytes of the longest frame between two zeros: length, type and sequence, body, CRC, one byte of COBS."""

_FINAL_XOR = 0xFFFF
_CRC_BYTES = 2
_SHORTEST = 1 + 2 + _CRC_BYTES


@dataclass(frozen=True, slots=True)
class Frame:
    """A type and a sequence number, 0 to 255, and a body of at most MAX_BODY bytes."""

    type: int
    sequence: int
    body: bytes = b""


class FrameError(StrEnum):
    """Why the bytes between two zeros are not a frame."""

    TOO_LONG = auto()
    STUFFING = auto()
    """A COBS code points beyond the end."""
    LENGTH = auto()
    """The length byte does not match."""
    CRC = auto()


def encode(frame: Frame) -> bytes:
    """Encode a frame as its bytes on the wire, with the final zero. ValueError if the body is too long."""
    if len(frame.body) > MAX_BODY:
        raise ValueError(f"a body has at most {MAX_BODY} bytes, this one {len(frame.body)}")
    content = bytes([2 + len(frame.body), frame.type, frame.sequence]) + frame.body
    return _stuff(content + _crc(content)) + b"\0"


class FrameDecoder:
    """Finds frames in a stream of bytes cut anywhere; buffers at most LONGEST_CODED + 1 bytes."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._dropped: Counter[FrameError] = Counter()

    @property
    def dropped(self) -> Counter[FrameError]:
        """Number of dropped frames by reason; the bytes between two zeros count as one."""
        return Counter(self._dropped)

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that `data` completes."""
        *pieces, rest = data.split(b"\0")
        found = []
        for piece in pieces:
            self._hold(piece)
            found.append(self._end())
        self._hold(rest)
        return [frame for frame in found if frame is not None]

    def _hold(self, piece: bytes) -> None:
        self._held += piece[: LONGEST_CODED + 1 - len(self._held)]

    def _end(self) -> Frame | None:
        coded, self._held = bytes(self._held), bytearray()
        if not coded:
            return None
        outcome = _decode(coded)
        if isinstance(outcome, Frame):
            return outcome
        self._dropped[outcome] += 1
        return None


def _decode(coded: bytes) -> Frame | FrameError:
    if len(coded) > LONGEST_CODED:
        return FrameError.TOO_LONG
    plain = _unstuff(coded)
    if plain is None:
        return FrameError.STUFFING
    if len(plain) < _SHORTEST or plain[0] != len(plain) - 1 - _CRC_BYTES:
        return FrameError.LENGTH
    content, crc = plain[:-_CRC_BYTES], plain[-_CRC_BYTES:]
    if crc != _crc(content):
        return FrameError.CRC
    return Frame(content[1], content[2], content[3:])


def _crc(content: bytes) -> bytes:
    return (crc_hqx(content, 0) ^ _FINAL_XOR).to_bytes(_CRC_BYTES, "little")


def _stuff(plain: bytes) -> bytes:
    # A frame is shorter than 254 bytes, so no run needs COBS's second code.
    return b"".join(bytes([len(run) + 1]) + run for run in plain.split(b"\0"))


def _unstuff(coded: bytes) -> bytes | None:
    runs, at = [], 0
    while at < len(coded):
        following = at + coded[at]
        if following > len(coded):
            return None
        runs.append(coded[at + 1 : following])
        at = following
    return b"\0".join(runs)
