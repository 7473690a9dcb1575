"""What a chamber does to a picture: dim, tinted, blurred, coarse, cut off, turned, on a tray. Seeded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.pixels import resize
from models.training.scenes import tray

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Rgb = NDArray[np.uint8]


def augment(picture: Rgb, rng: Generator) -> Rgb:
    """Give a copy as a poor camera over a bin would see it: some of the changes, each at random strength."""
    seen = _crop(_turn(picture, rng), rng)
    if rng.random() < 0.3:  # noqa: PLR2004 - the share of copies laid on a tray
        seen = _on_tray(seen, rng)
    if rng.random() < 0.3:  # noqa: PLR2004 - the share of coarse copies
        seen = _coarse(seen, rng)
    return _light(seen, rng)


def _turn(picture: Rgb, rng: Generator) -> Rgb:
    """Mirror, and turn by quarters: from above there is no upright."""
    turned = np.rot90(picture, int(rng.integers(4)))
    return np.ascontiguousarray(turned[:, ::-1] if rng.random() < 0.5 else turned)  # noqa: PLR2004


def _crop(picture: Rgb, rng: Generator) -> Rgb:
    height, width = picture.shape[:2]
    tall, wide = (max(8, int(side * rng.uniform(0.65, 1.0))) for side in (height, width))
    top, left = rng.integers(0, max(1, height - tall + 1)), rng.integers(0, max(1, width - wide + 1))
    return picture[top : top + tall, left : left + wide]


def _on_tray(picture: Rgb, rng: Generator) -> Rgb:
    """Lay a shrunken picture on a tray by multiplying: a white background takes the tray's colour."""
    height, width = picture.shape[:2]
    canvas = np.clip(tray(rng, height * 7 // 5 + 32, width * 7 // 5 + 32) + 40, 60, 255)
    top, left = rng.integers(0, canvas.shape[0] - height), rng.integers(0, canvas.shape[1] - width)
    canvas[top : top + height, left : left + width] *= picture / 255.0
    return canvas.astype(np.uint8)


def _coarse(picture: Rgb, rng: Generator) -> Rgb:
    """Lose detail as a small or unfocused picture does."""
    height, width = picture.shape[:2]
    factor = rng.uniform(2, 4)
    return resize(resize(picture, max(8, int(width / factor)), max(8, int(height / factor))), width, height)


def _light(picture: Rgb, rng: Generator) -> Rgb:
    """Dim or brighten, tint, and add the sensor's noise."""
    gain = rng.uniform(0.45, 1.15) * rng.uniform(0.88, 1.12, 3)
    noise = rng.normal(0, rng.uniform(0, 6), picture.shape)
    return np.clip(picture * gain + noise, 0, 255).astype(np.uint8)
