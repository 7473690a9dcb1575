"""Bytes to pixels and back; the only file of the model that imports cv2.

Pictures are `(height, width, 3)` uint8 arrays in RGB order. Decoding is bounded: a file's size and the
pixels its header claims are checked before a decoder sees it. At the bound of 50 megapixels a JPEG takes
0.35 GB to decode; the worst case, a 16-bit PNG with alpha, 0.8 GB.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from config.errors import InputError
from models.headers import HeaderError, exif_orientation, read_header

Rgb = NDArray[np.uint8]
Rgba = NDArray[np.uint8]

MAX_BYTES = 64 << 20
MAX_PIXELS = 50_000_000
GREY = 127
"""What stands behind transparent pixels and beside a picture that is not square: the model's zero."""

# What cannot be decoded is said once, by PictureError; cv2 would print its own lines beside it.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

_TURNS: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    1: lambda raw: raw,
    2: lambda raw: raw[:, ::-1],
    3: lambda raw: raw[::-1, ::-1],
    4: lambda raw: raw[::-1],
    5: lambda raw: raw.swapaxes(0, 1),
    6: lambda raw: raw.swapaxes(0, 1)[:, ::-1],
    7: lambda raw: raw[::-1, ::-1].swapaxes(0, 1),
    8: lambda raw: raw.swapaxes(0, 1)[::-1],
}
"""How to turn a picture upright, by its EXIF orientation."""
_BAND_ROWS = 256
"""Rows blended at a time, so that a large picture is not held as floats all at once."""
_KEEPS_ALPHA = frozenset({"PNG", "WebP", "GIF"})


class PictureError(InputError):
    """These bytes are no picture that can be looked at; the message says why."""


def read_picture(path: Path) -> Rgb:
    """Decode a file. PictureError names it if it cannot be read, is too large or is no picture."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PictureError(f"{path}: cannot be read ({error.strerror})", "name a picture") from None
    try:
        return decode(data)
    except PictureError as error:
        raise PictureError(f"{path}: {error.what}", error.mend) from None


def decode(data: bytes) -> Rgb:
    """Decode one picture to RGB, upright by its EXIF orientation, alpha laid over grey.

    Grey, CMYK and 16-bit pictures become 8-bit RGB; of an animation the first frame counts.
    PictureError if it is no whole JPEG, PNG, WebP, GIF or BMP file, or too large.
    """
    kind = _checked(data)
    if kind in _KEEPS_ALPHA:
        return over_grey(decode_rgba(data))
    return cv2.cvtColor(_raw(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def decode_rgba(data: bytes) -> Rgba:
    """Decode one picture to RGBA, upright, its alpha kept (opaque where it has none).

    PictureError as in `decode`.
    """
    _checked(data)
    raw = _upright(_to_8_bit(_raw(data, cv2.IMREAD_UNCHANGED)), data)
    channels = 1 if raw.ndim == 2 else raw.shape[2]  # noqa: PLR2004 - a grey picture has two axes
    if channels == 2:  # noqa: PLR2004 - grey and alpha
        grey, alpha = cv2.split(raw)
        return cv2.merge([grey, grey, grey, alpha]).astype(np.uint8, copy=False)
    to_rgba = {1: cv2.COLOR_GRAY2RGBA, 3: cv2.COLOR_BGR2RGBA, 4: cv2.COLOR_BGRA2RGBA}
    return cv2.cvtColor(raw, to_rgba[channels]).astype(np.uint8, copy=False)


def over_grey(rgba: Rgba) -> Rgb:
    """Lay a picture with alpha over grey."""
    rgb = np.ascontiguousarray(rgba[:, :, :3])
    for top in range(0, len(rgb), _BAND_ROWS):
        band = rgba[top : top + _BAND_ROWS].astype(np.float32)
        alpha = band[:, :, 3:] / 255
        rgb[top : top + _BAND_ROWS] = np.round(band[:, :, :3] * alpha + GREY * (1 - alpha))
    return rgb


def encode_jpeg(rgb: Rgb, quality: int = 85) -> bytes:
    """Encode a picture as JPEG, `quality` 1 to 100."""
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not done:
        raise PictureError(f"a picture of {rgb.shape[1]}x{rgb.shape[0]} cannot be a JPEG", "make it smaller")
    return data.tobytes()


def letterbox(rgb: Rgb, size: int) -> Rgb:
    """Scale a picture to fit a square of `size` pixels, whole and undistorted, grey beside it."""
    height, width = rgb.shape[:2]
    scale = size / max(height, width)
    fitted = resize(rgb, max(1, round(width * scale)), max(1, round(height * scale)))
    canvas = np.full((size, size, 3), GREY, np.uint8)
    top, left = (size - fitted.shape[0]) // 2, (size - fitted.shape[1]) // 2
    canvas[top : top + fitted.shape[0], left : left + fitted.shape[1]] = fitted
    return canvas


def resize(rgb: Rgb, width: int, height: int) -> Rgb:
    """Scale a picture; by area when it shrinks, so that fine patterns do not turn into noise."""
    shrinks = width < rgb.shape[1] or height < rgb.shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(rgb, (width, height), interpolation=how).astype(np.uint8, copy=False)


def _checked(data: bytes) -> str:
    """Refuse what is no picture or too large; give the format's name."""
    if len(data) > MAX_BYTES:
        raise PictureError(f"picture is larger than {MAX_BYTES >> 20} MiB", "make it smaller")
    try:
        header = read_header(data)
    except HeaderError as error:
        raise PictureError(f"file {error}", "name a whole picture") from None
    if header.width * header.height > MAX_PIXELS:
        what = (
            f"picture of {header.width}x{header.height} pixels is over {MAX_PIXELS // 1_000_000} megapixels"
        )
        raise PictureError(what, "make it smaller")
    return header.format


def _raw(data: bytes, flags: int) -> NDArray[np.uint8 | np.uint16]:
    """Decode to what cv2 makes of it, in BGR order."""
    try:
        raw = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        raw = None
    if raw is None:
        raise PictureError(
            "file has a picture's header, but its pixels cannot be decoded", "name a whole picture"
        )
    return raw.astype(np.uint16 if raw.dtype == np.uint16 else np.uint8, copy=False)


def _upright(raw: NDArray[np.uint8], data: bytes) -> NDArray[np.uint8]:
    """Turn as the file's EXIF says: what cv2 leaves to its caller once the alpha is to be kept."""
    if b"eXIf" not in data and b"EXIF" not in data and b"Exif" not in data:
        return raw
    _, kinds, blocks = cv2.imdecodeWithMetadata(np.frombuffer(data, np.uint8), flags=cv2.IMREAD_UNCHANGED)
    found = {kind: np.asarray(block).tobytes() for kind, block in zip(kinds, blocks, strict=True)}
    turn = _TURNS[exif_orientation(found.get(cv2.IMAGE_METADATA_EXIF, b""))]
    return np.ascontiguousarray(turn(raw))


def _to_8_bit(raw: NDArray[np.uint8 | np.uint16]) -> NDArray[np.uint8]:
    if raw.dtype == np.uint16:  # the high bytes alone, without a second 16-bit array on the way
        return np.ascontiguousarray(raw.astype("<u2", copy=False).view(np.uint8)[..., 1::2])
    return raw.astype(np.uint8, copy=False)
