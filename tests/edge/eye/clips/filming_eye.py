"""An eye in a process of its own over a tray with a face; all around the tray is magenta."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from cloud_sync.service.systemd import notifier_of
from config.sorting import Category
from edge.eye.classifier import LateEye
from edge.eye.clips.mask import inside_of
from edge.eye.process import keep_eye
from edge.station_file import load_station
from models.pixels import resize
from models.runtime import Classifier
from models.verdict import Ballot, Verdict, VerdictState
from scripts.commands.station.options import on_stop
from tests.edge.eye.clips.pictures import noisy, tray, with_face

WIDTH, HEIGHT = 320, 240
TRAY = ((0.25, 0.1), (0.95, 0.1), (0.95, 0.9), (0.25, 0.9))
MAGENTA = (255, 0, 255)
FRAME_S = 1 / 30


def scene() -> NDArray[np.uint8]:
    """Give what the camera sees, without its noise."""
    picture, _ = with_face(tray(np.random.default_rng(0)), 130.0, (200, 80))
    small = resize(picture, WIDTH, HEIGHT)
    small[~inside_of(TRAY, WIDTH, HEIGHT)] = MAGENTA
    return small


class Device:
    def __init__(self) -> None:
        self._rng, self._scene = np.random.default_rng(), scene()

    def grab(self) -> bool:
        time.sleep(FRAME_S)
        return True

    def retrieve(self) -> tuple[bool, NDArray[np.generic]]:
        return True, noisy(self._scene, self._rng)[:, :, ::-1]

    def release(self) -> None:
        return


class Unsure:
    def ballot(self, pictures: Sequence[NDArray[np.uint8]]) -> Ballot:
        verdict = Verdict(VerdictState.UNSURE, None, "can", 0.5, "stub-1")
        return Ballot(verdict, dict.fromkeys(Category, 0.25), (Category.KITCHEN,) * len(pictures))


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    keep_eye(
        load_station(Path(sys.argv[1])),
        notifier_of(),
        on_stop,
        lambda _: Device(),
        lambda _: LateEye(lambda: cast("Classifier", Unsure()), wait_s=30.0),
    )
