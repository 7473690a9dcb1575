"""Pictures for a soak: what is on them does not matter, that there are some does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from config.sorting import Category
from models.pixels import encode_jpeg

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 160


def draw_photos(folder: Path) -> Path:
    """One plain picture for each category, in the folders that `edge.sim.photo_folders` reads."""
    for shade, category in enumerate(Category):
        (folder / category).mkdir(parents=True, exist_ok=True)
        picture = np.full((SIDE, SIDE, 3), 200, np.uint8)
        picture[40:120, 40:120] = 30 + 45 * shade
        (folder / category / "0.jpg").write_bytes(encode_jpeg(picture))
    return folder
