"""Makes pictures: a grey tray under a lamp, and cut-out things on it. numpy only.

Sizes are in pixels. All chance comes from the generator that is passed in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.pixels import Rgb, Rgba, resize

WIDTH, HEIGHT = 360, 360
"""The size of the tray in the camera's picture."""
LEAST_SCALE, MOST_SCALE = 0.65, 0.95
"""A thing's longer side as a share of the tray's height."""

_NEAR_BLUR, _FAR_BLUR = 12, 36
"""The softness of a shadow of something on the tray, and of something high above it."""


def tray(rng: np.random.Generator) -> Rgb:
    """Draw an empty tray: grey, darker towards its edges, with a camera's noise."""
    across = np.linspace(-1, 1, WIDTH, dtype=np.float32)[None, :]
    down = np.linspace(-1, 1, HEIGHT, dtype=np.float32)[:, None]
    falloff = rng.uniform(0.1, 0.25) * (across**4 + down**4) + rng.uniform(-0.05, 0.05) * across
    grey = rng.uniform(145, 190) * (1 - falloff)
    noise = rng.standard_normal((HEIGHT, WIDTH), dtype=np.float32) * rng.uniform(1, 3)
    tint = rng.uniform(0.97, 1.03, 3).astype(np.float32)
    return _bytes((grey + noise)[:, :, None] * tint)


def lay(scene: Rgb, cut_out: Rgba, rng: np.random.Generator) -> Rgb:
    """Lay a cut-out thing on the tray: turned, scaled, at any place, with a soft shadow."""
    longest = rng.uniform(LEAST_SCALE, MOST_SCALE) * HEIGHT
    colour, alpha = _scaled(np.rot90(cut_out, int(rng.integers(4))), longest)
    height, width = alpha.shape
    left, top = int(rng.integers(WIDTH - width + 1)), int(rng.integers(HEIGHT - height + 1))
    there = slice(top, top + height), slice(left, left + width)
    cover = np.zeros((HEIGHT, WIDTH), np.float32)
    cover[there] = alpha
    shadow = np.roll(cover, (int(rng.integers(2, 10)), int(rng.integers(-8, 9))), (0, 1))
    lying = shade(scene, shadow, 0.4, _NEAR_BLUR) * (1 - cover[:, :, None])
    lying[there] += colour
    return _bytes(lying)


def _scaled(cut_out: Rgba, longest: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scale a cut-out; return its premultiplied colour (0 to 255) and alpha (0 to 1)."""
    height, width = cut_out.shape[:2]
    scale = longest / max(height, width)
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    alpha = np.ascontiguousarray(cut_out[:, :, 3])
    # Premultiplied: otherwise scaling would bleed the colour of transparent pixels into the edge.
    colour = resize(_bytes(cut_out[:, :, :3] * (alpha[:, :, None] / np.float32(255))), width, height)
    return colour.astype(np.float32), (resize(alpha, width, height) / 255).astype(np.float32)


def shade(scene: Rgb, cover: NDArray[np.float32], depth: float, blur: int) -> NDArray[np.floating]:
    """Darken a scene by `depth` (0 to 1) where `cover` (height, width; 0 to 1) blocks the light.

    The shadow is drawn `blur` times smaller and scaled up, which softens its edge by that many pixels.
    """
    small = resize(_bytes(cover * 255), WIDTH // blur, HEIGHT // blur)
    soft = resize(small, WIDTH, HEIGHT).astype(np.float32) / 255
    return scene * (1 - depth * soft[:, :, None])


def hand_shadow(rng: np.random.Generator) -> Rgb:
    """Draw an empty tray with only the shadow of a hand."""
    across, down = np.arange(WIDTH, dtype=np.float32)[None, :], np.arange(HEIGHT, dtype=np.float32)[:, None]
    centre_x, centre_y = rng.uniform(0.2, 0.8) * WIDTH, rng.uniform(0.0, 0.3) * HEIGHT
    reach = rng.uniform(0.25, 0.45) * HEIGHT
    cover = ((across - centre_x) / (0.6 * reach)) ** 2 + ((down - centre_y) / reach) ** 2 < 1
    return _bytes(shade(tray(rng), cover.astype(np.float32), rng.uniform(0.2, 0.4), _FAR_BLUR))


def vary(picture: Rgb, rng: np.random.Generator) -> Rgb:
    """Take the picture again a moment later: slightly shifted, brightened and with new noise."""
    height, width = picture.shape[:2]
    down, right = int(rng.integers(1 + height // 40)), int(rng.integers(1 + width // 40))
    seen = picture[down : height - height // 40 + down, right : width - width // 40 + right]
    noise = rng.standard_normal(seen.shape, dtype=np.float32) * 2
    return _bytes(seen * rng.uniform(0.94, 1.06) + noise)


def _bytes(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    whole: NDArray[np.floating] = np.clip(np.rint(values), 0, 255)
    return whole.astype(np.uint8)
