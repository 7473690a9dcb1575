"""The shipped model on photos of real things: Debian's cut-outs, laid on a tray as the demo lays them.

What is expected is what waste-0.4 said when this was written, of things it is sure of on any tray: a picture
that is decoded, scaled or coloured otherwise than in training, or a bundle of another model, shows here.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from config.sorting import Category
from edge.sim.photos import scenes
from models.pictures import decode_rgba, read_picture
from models.pixels import encode_jpeg
from models.runtime import Classifier
from models.verdict import VerdictState

EXPECTED = {
    "sports/basketball.png": (Category.RECYCLABLE, "ball"),
    "food/fruit/apple_red.png": (Category.KITCHEN, "orange_peel"),
    "food/fruit/banana.png": (Category.KITCHEN, "banana_peel"),
    "food/fruit/orange_seville.png": (Category.KITCHEN, "orange_peel"),
    "food/fruit/pineapple.png": (Category.KITCHEN, "vegetable_leaf"),
    "food/vegetables/lettuce.png": (Category.KITCHEN, "vegetable_leaf"),
}
TRAYS = range(3)
PLACES: tuple[str | Path | None, ...] = (
    os.environ.get("TONGZHAN_STAMPS"),
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "tongzhan", "stamps"),
    "/usr/share/tuxpaint/stamps",
)
"""Where scripts/demo looks for the package's photos, and where it keeps them."""


@pytest.fixture(scope="module")
def stamps() -> Path:
    """Give the folder of cut-outs; it is not part of the repository."""
    for place in PLACES:
        if place is not None and (Path(place) / "food").is_dir():
            return Path(place)
    package = "tuxpaint-stamps-default"
    pytest.skip(f"no cut-out photos; scripts/demo fetches them, or: sudo apt-get install {package}")


@pytest.mark.parametrize("name", EXPECTED)
def test_a_thing_on_a_tray_is_recognised(
    classifier: Classifier, stamps: Path, tmp_path: Path, name: str
) -> None:
    cut_out = decode_rgba((stamps / name).read_bytes())
    said = []
    for seed in TRAYS:
        rng = np.random.default_rng(seed)
        file = tmp_path / f"{seed}.jpg"
        file.write_bytes(encode_jpeg(scenes.lay(scenes.tray(rng), cut_out, rng)))
        verdict = classifier.classify([read_picture(file)])
        said.append((verdict.state, verdict.category, verdict.label))
    assert said == [(VerdictState.OK, *EXPECTED[name])] * len(TRAYS)


def test_an_empty_tray_is_empty_and_takes_nobodys_points(classifier: Classifier) -> None:
    said = [classifier.classify([scenes.tray(np.random.default_rng(seed))]).state for seed in TRAYS]
    assert said == [VerdictState.EMPTY] * len(TRAYS)
