"""Hands over empty trays, made by code: a chamber's camera sees one whenever somebody reaches in.

A hand is not waste. A model that never saw one calls it cardboard or textiles.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.training.synthetic.scenes import tray

Field = NDArray[np.float64]
"""(SIZE, SIZE), a figure for each pixel."""
Point = NDArray[np.float64]
"""(x, y) in pixels."""
Bone = tuple[Point, Point, float, float]
"""Both ends, and the radius at each."""

SIZE = 256
SKINS = ((241, 212, 192), (224, 184, 150), (198, 150, 112), (160, 112, 78), (120, 80, 56), (82, 54, 40))
"""From light to dark, RGB."""
FINGERS = ((-0.42, 0.8), (-0.16, 0.95), (0.08, 1.0), (0.32, 0.86))
"""Of each but the thumb: the angle to the palm's axis in radians, and the length relative to the longest."""


def hands(count: int, seed: int) -> list[NDArray[np.uint8]]:
    """Draw `count` pictures of hands over trays from a seed."""
    rng = np.random.default_rng(seed)
    return [hand(rng) for _ in range(count)]


def hand(rng: Generator) -> NDArray[np.uint8]:
    """Draw one hand that comes in from somewhere, open or curled, of any skin, in any light."""
    depth = np.max([_depth(bone) for bone in _bones(rng)], axis=0)
    edge = np.clip(depth + 0.5, 0, 1)[:, :, None]
    down, right = rng.integers(4, 14, 2)
    moved = np.pad(depth, ((down, 0), (right, 0)), "edge")[:SIZE, :SIZE]
    shadow = np.clip(moved / 10 + 0.5, 0, 1)[:, :, None]
    scene = tray(rng, SIZE, SIZE) * (1 - 0.45 * shadow)
    seen = scene * (1 - edge) + _skin(depth, rng) * edge + rng.normal(0, rng.uniform(1, 5), (SIZE, SIZE, 1))
    picture: NDArray[np.uint8] = np.clip(seen * rng.uniform(0.5, 1.1), 0, 255).astype(np.uint8)
    return picture


def _skin(depth: Field, rng: Generator) -> Field:
    """Shade what is inside as something round, with a grain."""
    slope = np.stack((np.gradient(depth, axis=0), np.gradient(depth, axis=1)))
    round_ = np.sqrt(np.clip(depth / 12, 0, 1))
    lit = 0.7 + 0.25 * round_ + 0.18 * (1 - round_) * np.tensordot(_way(rng.uniform(0, 2 * np.pi)), slope, 1)
    tone = np.array(SKINS[rng.integers(len(SKINS))]) * rng.uniform(0.8, 1.05)
    grain = rng.normal(0, rng.uniform(1, 12), (SIZE, SIZE, 1))
    shaded: Field = tone * lit[:, :, None] + grain
    return shaded


def _bones(rng: Generator) -> Iterator[Bone]:
    """Give a forearm, a palm, four fingers and a thumb of two bones each."""
    angle, side = rng.uniform(0, 2 * np.pi), rng.choice([-1, 1])
    palm, wide = SIZE / 2 + rng.uniform(-50, 50, 2), SIZE * rng.uniform(0.1, 0.17)
    curl, axis = rng.uniform(0.3, 1.0), _way(angle)
    yield palm, palm - 1.5 * SIZE * axis, 0.72 * wide, 0.95 * wide
    yield palm - 0.2 * wide * axis, palm + 0.2 * wide * axis, 0.9 * wide, wide
    for spread, length in FINGERS:
        way = angle + spread * rng.uniform(0.4, 1.3)
        root = palm + 0.85 * wide * _way(angle + 1.9 * spread)
        joint = root + wide * length * _way(way)
        yield root, joint, 0.3 * wide, 0.27 * wide
        tip = joint + 1.1 * wide * length * curl * _way(way + rng.uniform(-0.25, 0.25))
        yield joint, tip, 0.27 * wide, 0.21 * wide
    root = palm + 0.6 * wide * _way(angle + 1.5 * side)
    joint = root + 0.9 * wide * _way(angle + rng.uniform(0.5, 1.3) * side)
    yield root, joint, 0.36 * wide, 0.3 * wide
    yield joint, joint + 0.8 * wide * _way(angle + rng.uniform(0, 0.8) * side), 0.3 * wide, 0.22 * wide


def _depth(bone: Bone) -> Field:
    """How far inside a tapered limb with round ends each pixel lies, in pixels; outside below 0."""
    start, end, first, last = bone
    along = end - start
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    share = np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / (along @ along), 0, 1)
    away = np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1])
    depth: Field = first + share * (last - first) - away
    return depth


def _way(angle: float) -> Point:
    return np.array([np.cos(angle), np.sin(angle)])
