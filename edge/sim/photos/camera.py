"""A camera over simulated bins, for virtual time: it sees the last thing thrown in."""

from __future__ import annotations

import numpy as np

from config.station import StationSettings
from edge.messages import Photo
from edge.ports import CameraError
from edge.sim.photos.scenes import vary
from edge.sim.plant import BasePlant, WorldLid
from models.pixels import Rgb


def frames_of(picture: Rgb, seed: int) -> tuple[Rgb, ...]:
    """Two or three pictures of what lies there, no two alike."""
    rng = np.random.default_rng(seed)
    return tuple(vary(picture, rng) for _ in range(int(rng.integers(2, 4))))


class SimCamera:
    """All cameras of one station. Implements `edge.ports.Camera`; frames are RGB (height, width, 3) uint8."""

    def __init__(self, settings: StationSettings, plant: BasePlant[WorldLid]) -> None:
        """Look into the plant's bins, each through the camera that the settings name."""
        self.failed: set[str] = set()
        """Ids of cameras that give no picture."""
        self._cameras = {section.id: section.camera for section in settings.bin}
        self._plant = plant

    def take(self, bin_id: str) -> tuple[Photo, ...]:
        """Return two or three different frames. CameraError if the camera failed or the bin is empty."""
        camera = self._cameras[bin_id]
        thing = self._plant.bins[bin_id].top
        if camera is None or camera in self.failed:
            raise CameraError(f"camera {camera} gives no picture")
        if thing is None:
            raise CameraError(f"bin {bin_id} has nothing in it yet")
        return frames_of(thing.picture, thing.seed)
