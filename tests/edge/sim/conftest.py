"""Small photos for the simulated world's tests, made once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from config.sorting import Category
from edge.sim.photos.thrown import PhotoSource
from models.pixels import encode_jpeg


@pytest.fixture(scope="session")
def photo_paths(tmp_path_factory: pytest.TempPathFactory) -> dict[Category, list[Path]]:
    """Two tiny photos for each category."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(1)
    paths: dict[Category, list[Path]] = {}
    for category in Category:
        for number in range(2):
            path = folder / f"{category}{number}.jpg"
            path.write_bytes(encode_jpeg(rng.integers(0, 256, (12, 16, 3), np.uint8)))
            paths.setdefault(category, []).append(path)
    return paths


@pytest.fixture(scope="session")
def photos(photo_paths: dict[Category, list[Path]]) -> PhotoSource:
    return PhotoSource(photo_paths)
