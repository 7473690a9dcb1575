"""Pictures for the model on an emulated Pi, and whether its verdicts are those of this machine.

`python -m scripts.arm64.verdicts draw FOLDER` lays them into a folder, the same ones every time;
`… compare HERE THERE` compares what `tongzhan classify --json` said of them on two machines, and ends
with status 1 and a line for each picture whose verdict differs.
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
from models.pixels import Rgb, Rgba, encode_jpeg

DRAWN = 6
PHOTOS = 12
"""Labelled photos in addition to the drawn pictures, where TONGZHAN_PHOTOS names some."""
TOLERANCE = 0.05
"""Between two probabilities: whole numbers are rounded otherwise on another processor; 0.013 was seen."""
SHADES = ((200, 60, 40), (60, 140, 60), (240, 220, 120), (90, 90, 200), (120, 80, 50), (230, 230, 235))


class Answer(msgspec.Struct):
    """What `classify` says of one picture."""

    path: str
    state: str
    category: str | None
    label: str | None
    probability: float


def draw(folder: Path) -> None:
    """Write the pictures into `folder`, which is made."""
    folder.mkdir(parents=True)
    for number in range(DRAWN):
        (folder / f"drawn-{number}.jpg").write_bytes(encode_jpeg(_scene(number), 95))
    (folder / "hand.jpg").write_bytes(encode_jpeg(hand_shadow(np.random.default_rng(DRAWN)), 95))
    for number, photo in enumerate(_labelled()):
        shutil.copy(photo, folder / f"photo-{number}{photo.suffix}")


def differences(here: list[Answer], there: list[Answer]) -> list[str]:
    """Give a line for each picture whose verdicts differ between two machines."""
    lines = []
    for one, other in zip(here, there, strict=True):
        said = [(said.path, said.state, said.category, said.label) for said in (one, other)]
        if said[0] != said[1] or abs(one.probability - other.probability) > TOLERANCE:
            lines.append(f"{one.path}: here {one}, there {other}")
    return lines


def _scene(seed: int) -> Rgb:
    """A tray with one thing on it; every other thing is round."""
    rng = np.random.default_rng(seed)
    return lay(tray(rng), _thing(SHADES[seed % len(SHADES)], is_round=seed % 2 == 0), rng)


def _thing(shade: tuple[int, int, int], *, is_round: bool) -> Rgba:
    down, right = np.mgrid[-1:1:160j, -1:1:160j]
    inside = np.hypot(down, right) < 1 if is_round else np.abs(right) < 0.6  # noqa: PLR2004 (a bottle's width)
    light = 1 - 0.4 * np.clip(right + down, -1, 1)[..., None]
    painted = np.clip(np.array(shade) * light, 0, 255)
    return np.dstack([painted, inside * 255]).astype(np.uint8)


def _labelled() -> list[Path]:
    """Some of the labelled photos, spread over them all."""
    folder = os.environ.get("TONGZHAN_PHOTOS")
    if not folder:
        return []
    with (Path(folder) / "index.csv").open(encoding="utf-8-sig", newline="") as file:
        paths = [row["path"] for row in csv.DictReader(file)]
    return [Path(folder) / path for path in islice(paths, 0, None, max(1, len(paths) // PHOTOS))]


def main(arguments: list[str]) -> int:
    """Do what the module's docstring says; the exit status."""
    match arguments:
        case ["draw", folder]:
            draw(Path(folder))
            return 0
        case ["compare", here, there]:
            said = [msgspec.json.decode(Path(file).read_bytes(), type=list[Answer]) for file in (here, there)]
            lines = differences(*said)
            sys.stderr.writelines(f"{line}\n" for line in lines)
            return 1 if lines else 0
        case _:
            sys.stderr.write(f"{__doc__}")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
