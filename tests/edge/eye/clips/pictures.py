"""Frames of a tray with a face over it, from a face picture that a package carries."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.sim.photos import scenes
from models.pictures import read_picture
from models.pixels import Rgb, encode_jpeg, resize

FACE_IN_PORTRAIT = (170.0, 140.0, 365.0, 335.0)
"""Left, top, right, bottom of the face in matplotlib's portrait, in pixels."""
WIDTH, HEIGHT = 640, 480


def portrait() -> Rgb:
    """Give a portrait: Grace Hopper's, a work of the US government that matplotlib carries."""
    name = "grace_hopper.jpg"
    file = Path(mpl.get_data_path()) / "sample_data" / name
    if not file.exists():
        pytest.skip(f"this matplotlib carries no {name}")
    return read_picture(file)


def tray(rng: np.random.Generator) -> Rgb:
    """Give an empty tray as large as a camera's picture."""
    return resize(scenes.tray(rng), WIDTH, HEIGHT)


def with_face(scene: Rgb, face_px: float, place: tuple[int, int]) -> tuple[Rgb, tuple[int, int, int, int]]:
    """Lay the portrait over a scene so that its face is so wide; give the picture and the face's box."""
    whole = portrait()
    left, top, right, bottom = FACE_IN_PORTRAIT
    scale = face_px / (right - left)
    small = resize(whole, round(whole.shape[1] * scale), round(whole.shape[0] * scale))
    picture = scene.copy()
    x, y = place
    part = picture[y : y + small.shape[0], x : x + small.shape[1]]
    part[:] = small[: part.shape[0], : part.shape[1]]
    box = (
        x + round(left * scale),
        y + round(top * scale),
        x + round(right * scale),
        y + round(bottom * scale),
    )
    return picture, box


def noisy(picture: Rgb, rng: np.random.Generator, level: float = 3.0) -> Rgb:
    """Give a picture with a sensor's noise."""
    noise: NDArray[np.float64] = rng.normal(0, level, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def jpegs(pictures: list[Rgb], begin: float = 100.0) -> tuple[tuple[float, bytes], ...]:
    """Give pictures as a ring holds them, fifteen a second."""
    return tuple((begin + number / 15, encode_jpeg(one, 80)) for number, one in enumerate(pictures))
