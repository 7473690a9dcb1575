"""Picture files to pixels; the only file of the model that imports Pillow.

Decoding is bounded: a file's size and the pixels that its header claims are checked before memory is taken
for them. At the bound of 50 megapixels a JPEG takes 0.4 GB to decode; the worst case, a WebP with alpha,
0.9 GB. A station takes frames from its camera and imports none of this.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError, WebPImagePlugin

from config.errors import InputError
from models.pixels import GREY, Rgb, Rgba

MAX_BYTES = 64 << 20
MAX_PIXELS = 50_000_000

_FORMATS = ("JPEG", "PNG", WebPImagePlugin.WebPImageFile.format, "GIF", "BMP")
"""What a camera or the web makes. The bytes decide which one a file is, never its name."""
_BAND_ROWS = 256
"""Rows converted at a time: a large picture is never held as floats, nor three times, all at once."""

# What is wrong with a file is said once, by PictureError.
warnings.filterwarnings("ignore", module=r"PIL\.")


class PictureError(InputError):
    """A file that cannot be shown to the model; the message says why."""


def read_picture(path: Path) -> Rgb:
    """Decode a file as `decode` does. PictureError names the file."""
    with _named(path):
        return decode(_read(path))


def read_cut_out(path: Path) -> Rgba:
    """Decode a file as `decode_rgba` does. PictureError names the file."""
    with _named(path):
        return decode_rgba(_read(path))


def decode(data: bytes) -> Rgb:
    """Decode one picture to RGB, upright by its EXIF orientation, alpha laid over grey.

    Grey, CMYK and 16-bit pictures become 8-bit RGB; of an animation the first frame counts.
    PictureError if it is not a whole JPEG, PNG, WebP, GIF or BMP file, or too large.
    """
    image = _open(data)
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    for rows, band in _bands(image):
        rgb[rows] = _over_grey(band) if band.shape[2] > 3 else band  # noqa: PLR2004 - a fourth is the alpha
    return rgb


def decode_rgba(data: bytes) -> Rgba:
    """Decode one picture to RGBA, upright, its alpha kept (opaque where it has none).

    PictureError as in `decode`.
    """
    image = _open(data)
    rgba = np.full((image.height, image.width, 4), 255, np.uint8)
    for rows, band in _bands(image):
        rgba[rows, :, : band.shape[2]] = band
    return rgba


def _open(data: bytes) -> Image.Image:
    """Decode a picture upright, in the mode of its file; PictureError if it is refused."""
    if len(data) > MAX_BYTES:
        raise PictureError(f"picture is larger than {MAX_BYTES >> 20} MiB", "make it smaller")
    try:
        with _image(data) as image:
            image.verify()  # checksums of a PNG; it uses the image up
        image = _image(data)
        image.load()
        if image.fp is not None:
            image.fp.close()  # a WebP's plugin keeps its pixels there a second time
        _turn_upright(image)
    except PictureError:
        raise
    except MemoryError:
        raise PictureError("picture needs more memory than this machine has", "make it smaller") from None
    except UnidentifiedImageError:
        raise PictureError("file is not a JPEG, PNG, WebP, GIF or BMP picture", "name a picture") from None
    except Image.DecompressionBombError:
        raise _too_large("picture") from None
    except Exception as error:  # noqa: BLE001 - damaged files raise whatever their plugin stumbles over
        raise PictureError(f"picture is damaged or cut short ({error})", "name a whole picture") from None
    return image


def _image(data: bytes) -> ImageFile.ImageFile:
    """Read the header; PictureError if it claims too many pixels."""
    image = Image.open(io.BytesIO(data), formats=_FORMATS)
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(f"picture of {image.width}x{image.height} pixels")
    return image


def _too_large(what: str) -> PictureError:
    return PictureError(f"{what} is over {MAX_PIXELS // 1_000_000} megapixels", "make it smaller")


def _turn_upright(image: Image.Image) -> None:
    """Turn as the EXIF block says; an EXIF block that cannot be read says nothing."""
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - see above; once turned, it stays turned
        return


def _bands(image: Image.Image) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    """Give a picture from top to bottom as RGB, or RGBA where something may be transparent."""
    is_deep = image.mode.startswith("I")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    for top in range(0, image.height, _BAND_ROWS):
        bottom = min(top + _BAND_ROWS, image.height)
        band = image.crop((0, top, image.width, bottom))
        if is_deep:  # 16-bit grey, which Pillow would clip and not scale
            high = (np.asarray(band) >> 8).astype(np.uint8)
            yield slice(top, bottom), np.repeat(high[:, :, None], 3, axis=2)
        else:
            yield slice(top, bottom), np.asarray(band.convert(mode))


def _over_grey(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    alpha = rgba[:, :, 3:].astype(np.float32) / 255
    return np.round(rgba[:, :, :3] * alpha + GREY * (1 - alpha)).astype(np.uint8)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PictureError(f"cannot be read ({error.strerror})", "name a picture") from None


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except PictureError as error:
        raise PictureError(f"{path}: {error.what}", error.mend) from None
