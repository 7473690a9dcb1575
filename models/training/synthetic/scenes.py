"""Pictures of no waste at all, made by code: empty trays, floors, walls of noise, lights gone wrong.

A model that never saw an empty tray calls it paper. Everything is drawn from a generator that is passed
in, so that a seed gives the same scenes again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.pixels import resize

Field = NDArray[np.float64]
"""Brightness or colour over the picture, (h, w) or (h, w, 3), on the scale 0 to 255."""

SIZES = ((240, 320), (256, 256), (320, 240), (180, 320))


def empty_scene(rng: Generator) -> NDArray[np.uint8]:
    """Draw one picture without waste: a tray, a floor, a gradient or noise, lit and seen by a poor camera."""
    height, width = SIZES[rng.integers(len(SIZES))]
    kind = _KINDS[rng.choice(len(_KINDS), p=_WEIGHTS)]
    scene = _light(kind(rng, height, width), rng)
    return np.clip(scene + rng.normal(0, rng.uniform(0, 6), scene.shape), 0, 255).astype(np.uint8)


def empty_scenes(count: int, seed: int) -> list[NDArray[np.uint8]]:
    """Draw `count` pictures without waste from a seed."""
    rng = np.random.default_rng(seed)
    return [empty_scene(rng) for _ in range(count)]


def tray(rng: Generator, height: int, width: int) -> Field:
    """Draw a chamber's bottom: steel or plastic, brushed or rough, often with a rim and its shadow."""
    scene = _paint(rng, height, width, saturation=rng.choice([8, 8, 60]))
    scene += _grain(rng, height, width, rng.uniform(2, 10))[:, :, None]
    if rng.random() < 0.5:  # noqa: PLR2004 - half of the trays are brushed metal
        scene += rng.normal(0, rng.uniform(1, 8), (height, 1, 1))
    if rng.random() < 0.7:  # noqa: PLR2004 - most mouths show the rim
        _rim(scene, rng)
    return scene


def floor(rng: Generator, height: int, width: int) -> Field:
    """Draw tiles or planks: cells of nearly one colour with darker joints between."""
    cell_y, cell_x = rng.integers(24, 160, 2)
    y, x = np.mgrid[0:height, 0:width] + rng.integers(0, 160, 2)[:, None, None]
    tones = rng.normal(0, rng.uniform(0, 10), (40, 40))
    scene = _paint(rng, height, width, saturation=25)
    scene += tones[y // cell_y % 40, x // cell_x % 40][:, :, None]
    joint = rng.integers(1, 5)
    scene[(y % cell_y < joint) | (x % cell_x < joint)] -= rng.uniform(10, 60)
    scene += _grain(rng, height, width, rng.uniform(1, 12))[:, :, None]
    return scene


def concrete(rng: Generator, height: int, width: int) -> Field:
    """Draw a rough ground: one colour under stains of every size."""
    scene = _paint(rng, height, width, saturation=15)
    for _ in range(3):
        scene += _grain(rng, height, width, rng.uniform(4, 20))[:, :, None]
    return scene


def gradient(rng: Generator, height: int, width: int) -> Field:
    """Draw a ramp from one colour to another: a wall, a sky, a lid that covers the lens."""
    start, end = rng.uniform(0, 255, (2, 3))
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    along = (x * np.cos(angle) + y * np.sin(angle) + 1.5) / 3
    ramp: Field = start + (end - start) * along[:, :, None]
    return ramp


def noise(rng: Generator, height: int, width: int) -> Field:
    """Draw noise, grey or coloured, from single pixels to soft clouds: a broken cable, a lens in fog."""
    step = int(2 ** rng.integers(0, 7))
    channels = rng.choice([1, 3])
    coarse = rng.uniform(0, 255, (height // step + 2, width // step + 2, channels))
    field = _enlarge(np.repeat(coarse, 3 // channels, axis=2), height, width)
    return 128 + (field - 128) * rng.uniform(0.2, 1.0)


def blank(rng: Generator, height: int, width: int) -> Field:
    """Draw almost nothing: a dark or dazzled sensor, or one even colour."""
    scene = _paint(rng, height, width, saturation=rng.choice([0, 0, 120]))
    scene += rng.choice([-200, 0, 200])
    return scene


_KINDS: tuple[Callable[[Generator, int, int], Field], ...] = (tray, floor, concrete, gradient, noise, blank)
_WEIGHTS = (0.35, 0.2, 0.15, 0.1, 0.1, 0.1)


def _paint(rng: Generator, height: int, width: int, saturation: float) -> Field:
    colour = rng.uniform(20, 235) + rng.uniform(-saturation, saturation, 3)
    return np.broadcast_to(colour, (height, width, 3)).copy()


def _grain(rng: Generator, height: int, width: int, strength: float) -> Field:
    step = int(2 ** rng.integers(0, 6))
    coarse = rng.normal(128, strength, (height // step + 2, width // step + 2, 1))
    return _enlarge(np.repeat(coarse, 3, axis=2), height, width)[:, :, 0] - 128


def _enlarge(coarse: Field, height: int, width: int) -> Field:
    return resize(np.clip(coarse, 0, 255).astype(np.uint8), width, height).astype(np.float64)


def _rim(scene: Field, rng: Generator) -> None:
    """Darken or lighten what lies outside a frame, and shade the frame's inner edge."""
    height, width = scene.shape[:2]
    top, bottom = (int(height * rng.uniform(0.0, 0.15)) for _ in range(2))
    left, right = (int(width * rng.uniform(0.0, 0.15)) for _ in range(2))
    outside = np.ones((height, width), bool)
    outside[top : height - bottom, left : width - right] = False
    scene[outside] += rng.uniform(-90, 60)
    shade = rng.uniform(10, 50)
    for inset in range(int(rng.integers(1, 8))):
        scene[top + inset, left : width - right] -= shade
        scene[top : height - bottom, left + inset] -= shade
        shade *= 0.8


def _light(scene: Field, rng: Generator) -> Field:
    """Light a scene from somewhere: brighter near the lamp, tinted by it."""
    height, width = scene.shape[:2]
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    lamp_y, lamp_x = rng.uniform(-0.2, 1.2, 2)
    fall = 1 - rng.uniform(0, 0.6) * np.hypot(y - lamp_y, x - lamp_x)
    lit: Field = scene * fall[:, :, None] * rng.uniform(0.4, 1.15) * rng.uniform(0.9, 1.1, 3)
    return lit
