"""What a clip may show: the inside of the tray's polygon. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
"""Across and down, as shares of the picture's width and height."""
Inside = NDArray[np.bool_]
"""(height, width): where a picture may be shown."""

FILL = 127
"""The grey in place of what is masked."""


def inside_of(polygon: Sequence[Point], width: int, height: int) -> Inside:
    """Return which pixels of a picture have their centre inside a polygon."""
    across = (np.arange(width) + 0.5)[None, :]
    down = (np.arange(height) + 0.5)[:, None]
    inside = np.zeros((height, width), np.bool_)
    for (x0, y0), (x1, y1) in pairwise([*polygon, polygon[0]]):
        left, top, right, bottom = x0 * width, y0 * height, x1 * width, y1 * height
        if top == bottom:
            continue
        is_beside = (down >= min(top, bottom)) & (down < max(top, bottom))
        crossing = left + (down - top) * (right - left) / (bottom - top)
        inside ^= is_beside & (across < crossing)
    return inside


def union_of(polygons: Sequence[Sequence[Point]], width: int, height: int) -> Inside:
    """Return which pixels lie inside any of the polygons."""
    inside = np.zeros((height, width), np.bool_)
    for polygon in polygons:
        inside |= inside_of(polygon, width, height)
    return inside


def masked(picture: NDArray[np.uint8], inside: Inside) -> NDArray[np.uint8]:
    """Return a copy of a picture, (height, width, channels), with all that is not `inside` grey."""
    return np.where(inside[:, :, None], picture, np.uint8(FILL))


def within(polygon: Sequence[Point], box: tuple[float, float, float, float]) -> tuple[Point, ...]:
    """Return a polygon in the coordinates of a part of the picture: left, top, right, bottom as shares."""
    left, top, right, bottom = box
    return tuple(((x - left) / (right - left), (y - top) / (bottom - top)) for x, y in polygon)
