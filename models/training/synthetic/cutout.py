"""Things cut out of photos with an even background, so that they can be laid on other grounds.

Most photos show one product on white or on a board; the background that reaches the edge is recognised by its
colour. Photos with an uneven background are left as they are. Plain numpy: a mask of 96 pixels is enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.pixels import resize

Rgb = NDArray[np.uint8]
Mask = NDArray[np.bool_]

WORK_SIDE = 96
"""Longer side, in pixels, of the picture that is segmented."""
EVEN = 0.92
"""Share of the edge that must have the background's colour."""
THING = (0.03, 0.7)
"""Share of the picture that a thing may cover: less is dirt, more is a close-up."""
NEAREST, FARTHEST = 12.0, 40.0
"""Bounds of how far a background's pixel may be from its colour, in levels of its worst channel."""


@dataclass(frozen=True, slots=True)
class Cutout:
    """A thing's bounding box cut from its photo.

    `rgb` is (h, w, 3), 0 to 255; `alpha` (h, w, 1) from 0 to 1; `shadow` (h, w, 1) how much of the
    background's light the thing's shadow takes away, 0 to 1.
    """

    rgb: NDArray[np.float64]
    alpha: NDArray[np.float64]
    shadow: NDArray[np.float64]


def cut_out(picture: Rgb) -> Cutout | None:
    """Cut the thing out; None if the background is not even or there is not exactly one thing before it."""
    small = _shrunk(picture)
    edge = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]]).astype(np.float64)
    ground = np.median(edge, axis=0)
    spread = np.abs(edge - ground).max(axis=1)
    bound = float(np.clip(3 * np.median(spread) + 8, NEAREST, FARTHEST))
    thing = _solid(~_flooded(np.abs(small - ground).max(axis=2) <= bound))
    if (spread <= bound).mean() < EVEN or not THING[0] <= thing.mean() <= THING[1]:
        return None
    return _box(picture, thing, ground)


def _shrunk(picture: Rgb) -> Rgb:
    height, width = picture.shape[:2]
    scale = WORK_SIDE / max(height, width)
    return resize(picture, max(8, round(width * scale)), max(8, round(height * scale)))


def _flooded(alike: Mask) -> Mask:
    """Give the pixels of the background's colour that a flood from the picture's edge reaches."""
    reached = np.zeros_like(alike)
    reached[[0, -1]], reached[:, [0, -1]] = alike[[0, -1]], alike[:, [0, -1]]
    while True:
        wider = reached.copy()
        wider[1:] |= reached[:-1]
        wider[:-1] |= reached[1:]
        wider[:, 1:] |= reached[:, :-1]
        wider[:, :-1] |= reached[:, 1:]
        wider &= alike
        if (wider == reached).all():
            return reached
        reached = wider


def _solid(mask: Mask) -> Mask:
    """Drop specks and fill pinholes: each pixel goes with most of its eight neighbours, twice."""
    for _ in range(2):
        around = np.pad(mask.astype(np.int8), 1)
        height, width = mask.shape
        votes = sum(around[y : y + height, x : x + width] for y in range(3) for x in range(3))
        mask = np.asarray(votes >= 5)  # noqa: PLR2004 - most of nine
    return mask


def _box(picture: Rgb, thing: Mask, ground: NDArray[np.float64]) -> Cutout:
    height, width = picture.shape[:2]
    wide = resize(np.repeat(thing[:, :, None] * np.uint8(255), 3, axis=2), width, height)[:, :, :1] / 255.0
    rows, columns = np.flatnonzero(wide.max(axis=(1, 2)) > 0), np.flatnonzero(wide.max(axis=(0, 2)) > 0)
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    rgb = picture[part].astype(np.float64)
    shadow = np.clip(1 - rgb.mean(axis=2, keepdims=True) / max(1.0, float(ground.mean())), 0, 1)
    alpha = np.clip(wide[part] * 2 - 1, 0, 1)  # half a pixel of the small mask in: no rim of the old ground
    return Cutout(rgb, alpha, shadow)
