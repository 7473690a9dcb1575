"""An eye as a process whose camera looks at a scene: what lies there is told by a file."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cloud_sync.service.systemd import notifier_of
from edge.eye.process import keep_eye
from edge.station_file import load_station
from scripts.commands.station.options import on_stop
from tests.edge.eye.scene import Scene

FRAME_S = 0.02
LOOKED = "looked"
"""Beside the file: how many pictures were looked at so far."""
PLACES = ((0.2, 0.2, 0.5, 0.5), (0.5, 0.5, 0.8, 0.8), (0.2, 0.6, 0.4, 0.9))
COLOURS = ((60, 220, 230), (230, 60, 220), (220, 230, 60))


class SceneDevice:
    """A camera over a tray with as many things as the file has bytes."""

    def __init__(self, thrown: Path) -> None:
        self._thrown, self._looked = thrown, thrown.with_name(LOOKED)
        self._scene, self._lying, self._count = Scene(), 0, 0

    def grab(self) -> bool:
        time.sleep(FRAME_S)
        return True

    def retrieve(self) -> tuple[bool, NDArray[np.generic]]:
        lying = self._thrown.stat().st_size
        for number in range(self._lying, lying):
            self._scene.put(PLACES[number], COLOURS[number])
        self._lying = lying
        self._count += 1
        self._looked.write_text(str(self._count), encoding="ascii")
        return True, self._scene.picture()

    def release(self) -> None:
        return


if __name__ == "__main__":
    config, thrown = (Path(word) for word in sys.argv[1:])
    keep_eye(load_station(config), notifier_of(), on_stop, lambda _: SceneDevice(thrown))
