"""Picture files made by code: honest ones, odd ones, and ones that lie."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]

RED_LEFT = (200, 30, 30)
BLUE_RIGHT = (30, 30, 200)


def two_halves(height: int = 60, width: int = 80) -> Rgb:
    """Give a picture whose left half is red and whose right half is blue, so that turning it shows."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[:, : width // 2] = RED_LEFT
    picture[:, width // 2 :] = BLUE_RIGHT
    return picture


def encoded(array: NDArray[np.uint8 | np.uint16], suffix: str) -> bytes:
    """Encode an array in cv2's channel order."""
    done, data = cv2.imencode(suffix, array)
    assert done
    return bytes(data.tobytes())


def jpeg(picture: Rgb) -> bytes:
    return encoded(picture[:, :, ::-1], ".jpg")


def png(picture: Rgb) -> bytes:
    return encoded(picture[:, :, ::-1], ".png")


def turned_jpeg(picture: Rgb, orientation: int) -> bytes:
    """Give a JPEG whose EXIF says how it is to be turned; 6 means a quarter clockwise."""
    return jpeg_with_exif(exif(orientation), picture)


def jpeg_with_exif(block: bytes, picture: Rgb | None = None) -> bytes:
    """Give a JPEG with any bytes as its EXIF block."""
    body = b"Exif\0\0" + block
    plain = jpeg(two_halves() if picture is None else picture)
    return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + plain[2:]


def turned_png(picture: NDArray[np.uint8], orientation: int) -> bytes:
    """Give a PNG, of RGB or RGBA, with an eXIf chunk behind its header."""
    return png_with_exif(exif(orientation), picture)


def png_with_exif(block: bytes, picture: NDArray[np.uint8] | None = None) -> bytes:
    """Give a PNG with any bytes in an eXIf chunk behind its header."""
    picture = two_halves() if picture is None else picture
    order = [2, 1, 0, 3][: picture.shape[2]]
    plain = encoded(np.ascontiguousarray(picture[:, :, order]), ".png")
    chunk = struct.pack(">I", len(block)) + b"eXIf" + block + struct.pack(">I", zlib.crc32(b"eXIf" + block))
    return plain[:33] + chunk + plain[33:]


def exif(orientation: int) -> bytes:
    """Give an EXIF block that says one thing: how the picture is to be turned."""
    return b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)


def cmyk_jpeg(height: int = 16, width: int = 24) -> bytes:
    """Give a JPEG of four components that Adobe's marker calls CMYK: even, and coded by hand.

    Each component has one Huffman table of one code: 'no change' for DC, 'end of block' for AC.
    """
    quantisation = b"\xff\xdb" + struct.pack(">HB", 67, 0) + b"\x01" * 64
    components = b"".join(bytes([number, 0x11, 0]) for number in range(1, 5))
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 8 + 12, 8, height, width, 4) + components
    tables = b"".join(
        b"\xff\xc4" + struct.pack(">HB", 20, kind) + b"\x01" + b"\0" * 15 + b"\0" for kind in (0x00, 0x10)
    )
    adobe = b"\xff\xee" + struct.pack(">H", 14) + b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 0)
    scan = b"\xff\xda" + struct.pack(">HB", 6 + 8, 4)
    scan += b"".join(bytes([number, 0]) for number in range(1, 5)) + b"\0\x3f\0"
    blocks = (height // 8) * (width // 8) * 4
    bits = "00" * blocks  # one bit says the DC did not change, one that the block ends
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return b"\xff\xd8" + adobe + quantisation + frame + tables + scan + data + b"\xff\xd9"


def png_claiming(width: int, height: int) -> bytes:
    """Give a PNG of a few bytes whose header claims any size at all."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0" * 64)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def jpeg_claiming(width: int, height: int) -> bytes:
    """Give a JPEG whose frame header claims any size at all, over the data of a small one."""
    data = bytearray(jpeg(two_halves()))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def bmp_claiming(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IIIIiiHH", 54, 0, 54, 40, width, height, 1, 24) + b"\0" * 24


def webp_claiming(width: int, height: int) -> bytes:
    """Give a lossless WebP whose header claims any size at all, up to 16,384 a side."""
    data = bytearray(encoded(two_halves(), ".webp"))
    assert data[12:16] == b"VP8L"
    data[21:25] = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return bytes(data)


def extended_webp_claiming(width: int, height: int) -> bytes:
    """Give a WebP whose canvas claims any size at all, with the picture of a small one."""
    canvas = struct.pack("<II", 0, width - 1)[:7] + struct.pack("<I", height - 1)[:3]
    chunks = b"VP8X" + struct.pack("<I", len(canvas)) + canvas + encoded(two_halves(), ".webp")[12:]
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def gif_of_two_frames() -> bytes:
    """Give an animation by hand: a 2x2 canvas, first all red, then all blue."""
    palette = bytes([*RED_LEFT, *BLUE_RIGHT])
    screen = b"GIF89a" + struct.pack("<HHBBB", 2, 2, 0x80, 0, 0) + palette
    control = b"!\xf9\x04\0\x0a\0\0\0"
    place = b"," + struct.pack("<HHHHB", 0, 0, 2, 2, 0) + b"\x02"
    # LZW, least code size 2: clear (4), four pixels, end (5); codes of 3 bits, of 4 from the fifth on.
    red, blue = _lzw([4, 0, 0, 0, 0, 5]), _lzw([4, 1, 1, 1, 1, 5])
    frames = [control + place + bytes([len(data)]) + data + b"\0" for data in (red, blue)]
    return screen + b"".join(frames) + b";"


def _lzw(codes: list[int]) -> bytes:
    value = shift = 0
    for number, code in enumerate(codes):
        value |= code << shift
        shift += 3 if number < 4 else 4
    return value.to_bytes((shift + 7) // 8, "little")
