"""A picture's size and wholeness read from its bytes, before any decoder allocates memory for it. Pure.

The kind of a file is what its bytes say, never its name. Only formats that a camera or the web makes
are known: what has no header here reaches no decoder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Start-of-frame markers (ITU-T T.81, table B.1); the three left out are tables and a reserved one."""
_JPEG_SCAN = 0xDA
_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers that no length follows."""
_ORIENTATION, _ORIENTATIONS = 0x0112, 8
_PNG_END = b"IEND\xaeB`\x82"


class HeaderError(ValueError):
    """These bytes are no whole picture of a known format; the message says why, without a subject."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file's first bytes claim: its format and its size in pixels, before any rotation."""

    format: str
    width: int
    height: int


def read_header(data: bytes) -> Header:
    """Give the header of a whole picture; HeaderError if it is of no known format, or cut short."""
    for magic, name, measure in _FORMATS:
        if data.startswith(magic):
            width, height = measure(data)
            if width < 1 or height < 1:
                raise HeaderError(f"is a {name} file without pixels")
            return Header(name, width, height)
    raise HeaderError("is no JPEG, PNG, WebP, GIF or BMP picture")


def exif_orientation(exif: bytes) -> int:
    """Give the orientation, 1 (upright) to 8, of an EXIF block with or without its "Exif" prefix.

    1 where it says nothing sensible. CIPA DC-008: a TIFF header, then entries of 12 bytes; tag 0x0112.
    """
    tiff = exif.removeprefix(b"Exif\0\0")
    order: dict[bytes, Literal["big", "little"]] = {b"MM\0*": "big", b"II*\0": "little"}
    if tiff[:4] not in order:
        return 1

    def number(at: int, length: int) -> int:
        return int.from_bytes(tiff[at : at + length], order[tiff[:4]])

    first = number(4, 4) + 2
    for entry in range(first, first + 12 * number(first - 2, 2), 12):
        if entry + 12 > len(tiff):
            break
        if number(entry, 2) == _ORIENTATION:
            found = number(entry + 8, 2)
            return found if 1 <= found <= _ORIENTATIONS else 1
    return 1


def _jpeg(data: bytes) -> tuple[int, int]:
    size = None
    at = 2
    while True:
        marker = _byte(data, at + 1)
        if _byte(data, at) != 0xFF:  # noqa: PLR2004 - every marker begins with this byte
            raise HeaderError("is a JPEG file with a broken segment")
        if marker in (0xFF, *_JPEG_ALONE):
            at += 1 if marker == 0xFF else 2  # noqa: PLR2004 - fill bytes may stand before a marker
            continue
        if marker == _JPEG_SCAN:
            break
        if marker in _JPEG_SIZES:
            size = _big(data, at + 7, 2), _big(data, at + 5, 2)
        at += 2 + max(2, _big(data, at + 2, 2))
    # A thumbnail inside has an end marker of its own, so only one after the scan's start counts.
    if size is None or data.rfind(b"\xff\xd9", at) < 0:
        raise HeaderError("is a JPEG file cut short")
    return size


def _png(data: bytes) -> tuple[int, int]:
    if _PNG_END not in data:
        raise HeaderError("is a PNG file cut short")
    return _big(data, 16, 4), _big(data, 20, 4)


def _gif(data: bytes) -> tuple[int, int]:
    if not data.rstrip(b"\0").endswith(b";"):
        raise HeaderError("is a GIF file cut short")
    return _little(data, 6, 2), _little(data, 8, 2)


def _bmp(data: bytes) -> tuple[int, int]:
    if _little(data, 2, 4) > len(data):
        raise HeaderError("is a BMP file cut short")
    width, height = _little(data, 18, 4), _little(data, 22, 4)
    return width, min(height, 2**32 - height)  # a negative height means that rows run from the top


def _webp(data: bytes) -> tuple[int, int]:
    if data[8:12] != b"WEBP":
        raise HeaderError("is a RIFF file, but no WebP picture")
    if _little(data, 4, 4) + 8 > len(data):
        raise HeaderError("is a WebP file cut short")
    kind = data[12:16]
    if kind == b"VP8X":
        return _little(data, 24, 3) + 1, _little(data, 27, 3) + 1
    if kind == b"VP8L":
        bits = _little(data, 21, 4)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return _little(data, 26, 2) & 0x3FFF, _little(data, 28, 2) & 0x3FFF


def _byte(data: bytes, at: int) -> int:
    return _big(data, at, 1)


def _big(data: bytes, at: int, length: int) -> int:
    return int.from_bytes(_exactly(data, at, length), "big")


def _little(data: bytes, at: int, length: int) -> int:
    return int.from_bytes(_exactly(data, at, length), "little")


def _exactly(data: bytes, at: int, length: int) -> bytes:
    found = data[at : at + length]
    if len(found) < length:
        raise HeaderError("is a picture cut short in its header")
    return found


_FORMATS: tuple[tuple[bytes, str, Callable[[bytes], tuple[int, int]]], ...] = (
    (b"\xff\xd8", "JPEG", _jpeg),
    (b"\x89PNG\r\n\x1a\n", "PNG", _png),
    (b"GIF8", "GIF", _gif),
    (b"RIFF", "WebP", _webp),
    (b"BM", "BMP", _bmp),
)
