"""Shapes, light and noise for drawn things, on a square of SIDE pixels. numpy only.

Coordinates run from -1 to 1 in both directions, y downwards. A shape is a signed distance: negative inside.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.pixels import Rgba

SIDE = 320
EDGE = 0.012
"""Width of an anti-aliased edge."""

Field = NDArray[np.float32]
"""One number for each pixel (SIDE, SIDE)."""

Y, X = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j].astype(np.float32)


class Canvas:
    """A cut-out being painted: each `paint` covers what is below it."""

    def __init__(self) -> None:
        self.alpha: Field = np.zeros((SIDE, SIDE), np.float32)
        self._colour = np.zeros((SIDE, SIDE, 3), np.float32)

    def paint(self, shape: Field, colour: ArrayLike, light: ArrayLike = 1.0) -> None:
        """Fill a shape with an RGB colour (0 to 255) times a light, each one value or one for each pixel."""
        cover = inside(shape)
        lit = np.asarray(colour, np.float32) * np.asarray(light, np.float32)[..., None]
        self._colour += cover[..., None] * (lit - self._colour)
        self.alpha = np.maximum(self.alpha, cover)

    def add(self, light: Field, colour: ArrayLike) -> None:
        """Add a reflection: each pixel's `light` times a colour."""
        self._colour += light[..., None] * np.asarray(colour, np.float32)

    def cut_out(self) -> Rgba:
        """The picture so far, with its alpha."""
        stacked = np.dstack([np.clip(self._colour, 0, 255), self.alpha * 255])
        picture: Rgba = stacked.astype(np.uint8)
        return picture


def inside(shape: Field) -> Field:
    """Return how much of each pixel a shape covers, 0 to 1."""
    cover: Field = np.clip(0.5 - shape / EDGE, 0, 1)
    return cover


def both(*shapes: Field) -> Field:
    """Intersect shapes."""
    shape: Field = np.maximum.reduce(shapes)
    return shape


def bar(centre_x: float, centre_y: float, half_width: float, half_height: float, x: Field = X) -> Field:
    """Make an upright rectangle."""
    return both(np.abs(x - centre_x) - half_width, np.abs(Y - centre_y) - half_height)


def plate(half_width: float, half_height: float, corner: float) -> Field:
    """Make a rectangle with round corners, in the middle."""
    right, down = np.abs(X) - half_width + corner, np.abs(Y) - half_height + corner
    outside = np.hypot(np.maximum(right, 0), np.maximum(down, 0))
    shape: Field = outside + np.minimum(np.maximum(right, down), 0) - corner
    return shape


def ellipse(centre_x: float, centre_y: float, half_width: float, half_height: float, y: Field = Y) -> Field:
    """Make an ellipse."""
    reach = np.hypot((X - centre_x) / half_width, (y - centre_y) / half_height)
    shape: Field = (reach - 1) * min(half_width, half_height)
    return shape


def bulge(across: Field) -> Field:
    """Return how far a round body faces the viewer at a place across it, from -1 to 1; 0 beyond."""
    facing: Field = np.sqrt(np.clip(1 - across**2, 0, 1))
    return facing


def glint(across: Field, at: float, width: float) -> Field:
    """Make a reflection along a round body."""
    light: Field = np.exp(-(((across - at) / width) ** 2))
    return light


def noise(rng: np.random.Generator, cells: int) -> Field:
    """Make smooth noise of `cells` cells a side; values at their corners are normal with deviation 1."""
    values = rng.standard_normal((cells, cells), dtype=np.float32)
    place = np.linspace(0, cells - 1, SIDE, dtype=np.float32)
    first = np.minimum(place.astype(int), cells - 2)
    part = place - first
    rows = values[first] * (1 - part)[:, None] + values[first + 1] * part[:, None]
    smooth: Field = rows[:, first] * (1 - part)[None] + rows[:, first + 1] * part[None]
    return smooth
