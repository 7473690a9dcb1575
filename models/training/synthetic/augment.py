"""What other cameras make of a thing: dim, tinted, coarse, cut off, turned, on a tray or floor. Seeded."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.pictures import decode
from models.pixels import encode_jpeg, resize
from models.training.synthetic.cutout import Cutout, cut_out
from models.training.synthetic.scenes import concrete, floor, tray

Rgb = NDArray[np.uint8]
Field = NDArray[np.float64]

GROUNDS = (concrete, concrete, floor, tray)
"""What a thing may lie on; concrete twice, as it is what a floor under a camera looks like most often."""


def augment(picture: Rgb, rng: Generator) -> Rgb:
    """Give a copy as a poor camera over a bin would see it: some of the changes, each at random strength."""
    seen = _crop(_turn(picture, rng), rng)
    if rng.random() < 0.3:  # noqa: PLR2004 - the share of copies laid on a tray
        seen = _on_tray(seen, rng)
    if rng.random() < 0.3:  # noqa: PLR2004 - the share of coarse copies
        seen = _coarse(seen, rng)
    return _light(seen, rng)


def lay_down(picture: Rgb, rng: Generator) -> Rgb:
    """Lay the photo's thing on a floor or tray seen from above; `augment` it if it cannot be cut out."""
    thing = cut_out(picture)
    if thing is None:
        return augment(picture, rng)
    height, width = 240, int(rng.choice([240, 320]))
    scene = _laid(thing, _ground(rng, height, width), rng)
    seen = np.clip(scene * rng.uniform(0.55, 1.1), 0, 255).astype(np.uint8)
    if rng.random() < 0.4:  # noqa: PLR2004 - the share of copies out of focus or from a small sensor
        seen = _coarse(seen, rng)
    return decode(encode_jpeg(_light(seen, rng), int(rng.integers(40, 95))))


def _ground(rng: Generator, height: int, width: int) -> Field:
    kind = GROUNDS[rng.integers(len(GROUNDS))]
    ground = kind(rng, height, width)
    lit: Field = np.clip(ground - ground.mean() + rng.uniform(70, 200), 5, 250)
    return lit


def _laid(thing: Cutout, ground: Field, rng: Generator) -> Field:
    """Turn a thing by any angle, scale it, and let it cover part of the ground and dim what is beside it."""
    layers = np.concatenate([thing.rgb, thing.alpha * 255, thing.shadow * 255], axis=2)
    layers = _turned(layers, rng.uniform(0, 2 * np.pi))
    height, width = ground.shape[:2]
    scale = rng.uniform(0.35, 0.95) * min(height / layers.shape[0], width / layers.shape[1])
    tall, wide = (max(8, int(side * scale)) for side in layers.shape[:2])
    small = [resize(layers[:, :, part], wide, tall).astype(np.float64) for part in (slice(0, 3), slice(2, 5))]
    rgb, alpha, shadow = small[0], small[1][:, :, 1:2] / 255, small[1][:, :, 2:3] / 255
    top, left = rng.integers(0, height - tall + 1), rng.integers(0, width - wide + 1)
    under = ground[top : top + tall, left : left + wide]
    under *= 1 - np.clip(shadow - 0.03, 0, 0.6)
    under += alpha * (rgb - under)
    return ground


def _turned(layers: Field, angle: float) -> NDArray[np.uint8]:
    """Turn (h, w, layers) by any angle, corners empty; nearest pixels, as it is shrunk afterwards."""
    height, width = layers.shape[:2]
    cos, sin = np.cos(angle), np.sin(angle)
    tall = int(np.ceil(abs(height * cos) + abs(width * sin)))
    wide = int(np.ceil(abs(height * sin) + abs(width * cos)))
    y, x = np.mgrid[0:tall, 0:wide] - np.array([tall - 1, wide - 1])[:, None, None] / 2
    from_y = np.round(y * cos - x * sin + (height - 1) / 2).astype(int)
    from_x = np.round(y * sin + x * cos + (width - 1) / 2).astype(int)
    inside = (from_y >= 0) & (from_y < height) & (from_x >= 0) & (from_x < width)
    turned = np.zeros((tall, wide, layers.shape[2]), np.uint8)
    turned[inside] = layers[from_y[inside], from_x[inside]]
    return turned


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
