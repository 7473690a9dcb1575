"""Pictures made from integers alone, the same on every machine: the self-test's input. Pure.

They depict nothing, but exercise every weight of the network: a runtime that computes wrongly, or a
bundle whose manifest belongs to another model, gives other outputs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def golden_pictures(count: int, size: int) -> NDArray[np.uint8]:
    """Give `count` pictures as (count, size, size, 3) uint8: blocks, ramps and stripes, each different."""
    return np.stack([_picture(number, size) for number in range(count)])


def _picture(number: int, size: int) -> NDArray[np.uint8]:
    y, x = np.mgrid[0:size, 0:size].astype(np.int64)
    block = size >> (2 + number % 3)
    red = (x * (3 + number) + y * 2) >> 1
    green = (x // block * 67 + y // block * (41 + 13 * number)) & 0xFF
    blue = (x * y >> (5 + number % 4)) ^ (y * (1 + number))
    return (np.stack([red, green, blue], axis=-1) & 0xFF).astype(np.uint8)
