"""Scaling of pixels, and JPEG from them; the only file of the model that imports cv2.

Pictures are `(height, width, 3)` uint8 arrays in RGB order.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from config.errors import InputError

Rgb = NDArray[np.uint8]
Rgba = NDArray[np.uint8]

GREY = 127
"""The model's zero: the borders of a picture that is not square, and what is behind transparent pixels."""


def encode_jpeg(rgb: Rgb, quality: int = 85) -> bytes:
    """Encode a picture as JPEG, `quality` 1 to 100; InputError if it is too large for one."""
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not done:
        raise InputError(f"a picture of {rgb.shape[1]}x{rgb.shape[0]} cannot be a JPEG", "make it smaller")
    return data.tobytes()


def decode_jpeg(data: bytes) -> Rgb | None:
    """Decode a JPEG that this program encoded; None for bytes that are none."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB) if data else None
    return None if picture is None else picture.astype(np.uint8, copy=False)


def letterbox(rgb: Rgb, size: int) -> Rgb:
    """Scale a picture to fit a square of `size` pixels, whole and undistorted, with grey borders."""
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
