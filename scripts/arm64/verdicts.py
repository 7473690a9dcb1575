"""Draw pictures for the model on an emulated Pi, and compare its verdicts with this machine's.

`python -m scripts.arm64.verdicts draw FOLDER` writes the pictures to a folder, always the same ones;
`… compare HERE THERE` compares the output of `tongzhan classify --json` of two machines: it prints a line
for each picture whose verdict differs, and then exits with status 1; `… margin` prints the error of this
machine's self-test of the shipped model.
"""

from __future__ import annotations

import csv
import os
import shutil
import sys
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np

from edge.sim.photos.scenes import hand_shadow, lay, tray
from models.bundle import load_bundle
from models.golden import golden_pictures
from models.pipeline import normalise
from models.pixels import Rgb, Rgba, encode_jpeg
from models.runtime import Session

DRAWN = 6
PHOTOS = 12
"""Labelled photos in addition to the drawn pictures, if TONGZHAN_PHOTOS names some."""
TOLERANCE = 0.05
"""Largest difference of two probabilities: int8 rounds differently on other processors; 0.013 was seen."""
SHADES = ((200, 60, 40), (60, 140, 60), (240, 220, 120), (90, 90, 200), (120, 80, 50), (230, 230, 235))


class Answer(msgspec.Struct):
    """The answer of `classify` for one picture."""

    path: str
    state: str
    category: str | None
    label: str | None
    probability: float


def draw(folder: Path) -> None:
    """Create `folder` and write the pictures into it."""
    folder.mkdir(parents=True)
    for number in range(DRAWN):
        (folder / f"drawn-{number}.jpg").write_bytes(encode_jpeg(_scene(number), 95))
    (folder / "hand.jpg").write_bytes(encode_jpeg(hand_shadow(np.random.default_rng(DRAWN)), 95))
    for number, photo in enumerate(_labelled()):
        shutil.copy(photo, folder / f"photo-{number}{photo.suffix}")


def differences(here: list[Answer], there: list[Answer]) -> list[str]:
    """Return a line for each picture whose verdicts differ between two machines."""
    lines = []
    for one, other in zip(here, there, strict=True):
        said = [(said.path, said.state, said.category, said.label) for said in (one, other)]
        if said[0] != said[1] or abs(one.probability - other.probability) > TOLERANCE:
            lines.append(f"{one.path}: here {one}, there {other}")
    return lines


def largest_difference(here: list[Answer], there: list[Answer]) -> float:
    """Return the largest difference between two machines' probabilities for one picture."""
    return max(abs(one.probability - other.probability) for one, other in zip(here, there, strict=True))


def self_test_error() -> tuple[float, float]:
    """Return the largest error of the shipped model's golden logits on this machine, and the tolerance."""
    bundle = load_bundle()
    golden, spec = bundle.manifest.golden, bundle.manifest.input
    pictures = normalise(golden_pictures(len(golden.logits), spec.size), spec.mean, spec.std)
    error = np.abs(Session(bundle.model).run(pictures) - np.array(golden.logits)).max()
    return float(error), golden.tolerance


def _scene(seed: int) -> Rgb:
    """Draw a tray with one thing on it; every second thing is round."""
    rng = np.random.default_rng(seed)
    return lay(tray(rng), _thing(SHADES[seed % len(SHADES)], is_round=seed % 2 == 0), rng)


def _thing(shade: tuple[int, int, int], *, is_round: bool) -> Rgba:
    down, right = np.mgrid[-1:1:160j, -1:1:160j]
    inside = np.hypot(down, right) < 1 if is_round else np.abs(right) < 0.6  # noqa: PLR2004 (a bottle's width)
    light = 1 - 0.4 * np.clip(right + down, -1, 1)[..., None]
    painted = np.clip(np.array(shade) * light, 0, 255)
    return np.dstack([painted, inside * 255]).astype(np.uint8)


def _labelled() -> list[Path]:
    """Return some labelled photos, evenly spread over all."""
    folder = os.environ.get("TONGZHAN_PHOTOS")
    if not folder:
        return []
    with (Path(folder) / "index.csv").open(encoding="utf-8-sig", newline="") as file:
        paths = [row["path"] for row in csv.DictReader(file)]
    return [Path(folder) / path for path in islice(paths, 0, None, max(1, len(paths) // PHOTOS))]


def main(arguments: list[str]) -> int:
    """Run a command of the module's docstring and return the exit status."""
    match arguments:
        case ["draw", folder]:
            draw(Path(folder))
            return 0
        case ["compare", here, there]:
            said = [msgspec.json.decode(Path(file).read_bytes(), type=list[Answer]) for file in (here, there)]
            lines = differences(*said)
            sys.stderr.writelines(f"{line}\n" for line in lines)
            if said[0]:
                sys.stdout.write(f"probabilities differ by {largest_difference(*said):.3f} at most\n")
            return 1 if lines else 0
        case ["margin"]:
            error, tolerance = self_test_error()
            sys.stdout.write(f"self-test off by {error:.3g} logits, tolerance {tolerance:g}\n")
            return 0
        case _:
            sys.stderr.write(f"{__doc__}")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
