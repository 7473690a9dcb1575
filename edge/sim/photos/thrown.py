"""The things that simulated residents throw: photos, chosen at random and decoded when thrown."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Protocol

import numpy as np

from config.errors import InputError
from config.sorting import Category
from edge.sim.photos import scenes
from models.pictures import PictureError, read_cut_out, read_picture
from models.pixels import Rgb, resize

log = logging.getLogger(__name__)

LONGEST = 480
"""Longest side of a camera's picture of a bin, in pixels; larger photos are shrunk to it."""
WEIGHTS_G = {
    Category.RECYCLABLE: (15, 600),
    Category.HAZARDOUS: (10, 200),
    Category.KITCHEN: (40, 900),
    Category.OTHER: (5, 400),
}


@dataclass(frozen=True, slots=True)
class Thing:
    """Something thrown into a bin, as camera and scale sense it.

    `category` is None for the shadow of a hand. `seed` varies its frames.
    """

    name: str
    category: Category | None
    weight_g: int
    seed: int
    picture: Rgb = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Particular:
    """A thing chosen beforehand by its name and its picture's `seed`, if the source knows the name."""

    category: Category
    name: str
    seed: int


Wanted = Category | Particular
"""What someone brings: any thing of a category, or a particular one."""


def category_of(wanted: Wanted) -> Category:
    """Return the true category of what someone brings."""
    return wanted.category if isinstance(wanted, Particular) else wanted


class Things(Protocol):
    """A source of things: photos in a folder, or drawn things."""

    @property
    def categories(self) -> tuple[Category, ...]:
        """The categories that have a thing, in the standard's order."""
        ...

    def draw(self, rng: Random, wanted: Wanted) -> Thing:
        """Take one; InputError if the category has none left."""
        ...


class PhotoSource:
    """Photos by category. Implements `Things`. With `on_tray` they are cut-outs, laid on a drawn tray."""

    def __init__(self, paths: Mapping[Category, Sequence[Path]], *, on_tray: bool = False) -> None:
        """Draw from these files; with the same files the same seeds draw the same things."""
        self._paths = {category: list(paths[category]) for category in Category if paths.get(category)}
        self._on_tray = on_tray

    def __len__(self) -> int:
        return sum(len(paths) for paths in self._paths.values())

    @property
    def categories(self) -> tuple[Category, ...]:
        """The categories that have a photo, in the standard's order."""
        return tuple(self._paths)

    def draw(self, rng: Random, wanted: Wanted) -> Thing:
        """Take a thing. A file that is not a picture is logged once and not drawn again.

        InputError if no picture of the category is left. Photos cannot be chosen by name.
        """
        category = category_of(wanted)
        paths = self._paths.get(category, [])
        while paths:
            path = rng.choice(paths)
            weight_g, seed = rng.randint(*WEIGHTS_G[category]), rng.getrandbits(32)
            try:
                picture = self._look(path, np.random.default_rng(seed))
            except PictureError as error:
                log.warning("%s; left out", error.what)
                paths.remove(path)
            else:
                return Thing(path.stem, category, weight_g, seed, picture)
        raise InputError(f"no photo of {category} can be decoded", "put other photos there")

    def _look(self, path: Path, rng: np.random.Generator) -> Rgb:
        if self._on_tray:
            return scenes.lay(scenes.tray(rng), read_cut_out(path), rng)
        return _fit(read_picture(path))


def hand_shadow(rng: Random) -> Thing:
    """Make what a camera sees when a child only waves at an open bin."""
    seed = rng.getrandbits(32)
    return Thing("shadow", None, 0, seed, scenes.hand_shadow(np.random.default_rng(seed)))


def _fit(picture: Rgb) -> Rgb:
    height, width = picture.shape[:2]
    scale = LONGEST / max(height, width)
    if scale >= 1:
        return picture
    return resize(picture, max(1, round(width * scale)), max(1, round(height * scale)))
