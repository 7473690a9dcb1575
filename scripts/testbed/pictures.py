"""Pictures of coloured things on a grey tray for a soak, and a stand-in for the model that reads the colours.

A thing's colour says what the stand-in takes it for: its own category, another one, or unsure. The file's
name says the same, so that a judge knows what verdict a correct station must reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from config.sorting import Category
from config.station import StationSettings
from edge.eye.classifier import LateEye
from edge.eye.eyes import Eyes
from models.pixels import Rgb, encode_jpeg
from models.verdict import Ballot, Verdict, VerdictState

SIDE = 160
UNSURE = "unsure"
GREY = 200
COLOURS = {
    Category.RECYCLABLE.value: (220, 30, 30),
    Category.HAZARDOUS.value: (30, 200, 30),
    Category.KITCHEN.value: (30, 30, 220),
    Category.OTHER.value: (200, 200, 20),
    UNSURE: (210, 20, 210),
}
COPIES = {"itself": 5, "another": 2, UNSURE: 2}
"""How many pictures of each category have which look."""
COLOURFUL = 40.0
"""A centre whose channels differ by less than this is grey: the tray is empty."""
NAME = "stand-in 1"


def draw_photos(folder: Path) -> Path:
    """Draw every category's pictures, in the folders that `edge.sim.photos.folders` reads."""
    categories = list(Category)
    for place, category in enumerate(categories):
        (folder / category).mkdir(parents=True, exist_ok=True)
        looks = {"itself": category, "another": categories[place - 1], UNSURE: UNSURE}
        for kind, copies in COPIES.items():
            for copy in range(copies):
                _draw(folder / category / f"{copy}-{kind}-{looks[kind]}.jpg", COLOURS[looks[kind]])
    return folder


def looks_like(name: str) -> str:
    """Return the stand-in's verdict on a drawn thing, by its file's name: a category, or `UNSURE`."""
    return name.rpartition("-")[2]


def _draw(file: Path, colour: tuple[int, int, int]) -> None:
    picture = np.full((SIDE, SIDE, 3), GREY, np.uint8)
    picture[20:140, 20:140] = colour
    file.write_bytes(encode_jpeg(picture))


class StandIn:
    """Recognises things by their colour, without errors. Implements `edge.eye.classifier.Model`."""

    def ballot(self, pictures: Sequence[Rgb]) -> Ballot:
        """Recognise the thing in the middle of the first picture; ValueError without a picture."""
        verdict = self._verdict(pictures)
        seen = {} if verdict.category is None else {verdict.category: verdict.probability}
        return Ballot(verdict, seen, (verdict.category,) * len(pictures))

    def _verdict(self, pictures: Sequence[Rgb]) -> Verdict:
        if not pictures:
            raise ValueError("no picture")
        height, width = pictures[0].shape[:2]
        middle = pictures[0][height // 3 : 2 * height // 3, width // 3 : 2 * width // 3]
        seen = middle.reshape(-1, 3).mean(axis=0)
        if seen.max() - seen.min() < COLOURFUL:
            return Verdict(VerdictState.EMPTY, None, None, 0.99, NAME)
        look = min(COLOURS, key=lambda name: float(np.abs(seen - COLOURS[name]).sum()))
        if look == UNSURE:
            return Verdict(VerdictState.UNSURE, None, "thing", 0.4, NAME)
        return Verdict(VerdictState.OK, Category(look), "thing", 0.98, NAME)


def stand_in(settings: StationSettings) -> Eyes:
    """A classifier without a model: the station starts quickly, and its verdicts are known beforehand."""
    del settings
    eye = LateEye(StandIn)
    return Eyes(eye, {}, load=eye.load, stop=eye.stop)
