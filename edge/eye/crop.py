"""What the network is given of a frame, and where in the frame that is. Pure numpy.

The only place between a camera's frames and the network that decides what is cut out: today the bin's own
region of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Region = tuple[float, float, float, float]
"""Left, top, right, bottom as shares of the picture's size."""


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A part of a frame for the network: RGB (height, width, 3), its place, and when the frame was taken."""

    picture: Picture
    box: Region
    at: float


def crop(frame: Picture, region: Region, at: float) -> Crop:
    """Cut what the network is to see out of an RGB frame that was taken at `at` (monotonic seconds)."""
    return Crop(np.ascontiguousarray(cut(frame, region)), region, at)


def cut(picture: Picture, region: Region) -> Picture:
    """Return a view of a region of a picture, at least one pixel wide and high."""
    height, width = picture.shape[:2]
    left, top = int(region[0] * width), int(region[1] * height)
    right, bottom = max(left + 1, round(region[2] * width)), max(top + 1, round(region[3] * height))
    return picture[top:bottom, left:right]
