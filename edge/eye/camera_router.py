"""All cameras of a station as one."""

from __future__ import annotations

from collections.abc import Mapping

from edge.eye.camera import UsbCamera
from edge.messages import Photo
from edge.ports import CameraError


class Sight:
    """Each bin's own camera. Implements `edge.ports.Camera`."""

    def __init__(self, by_bin: Mapping[str, UsbCamera]) -> None:
        """Look into each of these bins with its camera; a bin that is not among them is never seen."""
        self._by_bin = by_bin

    def take(self, bin_id: str) -> tuple[Photo, ...]:
        """Give fresh photos of a bin's region; CameraError when there are none, or no camera."""
        camera = self._by_bin.get(bin_id)
        if camera is None:
            raise CameraError(f"no camera looks at bin {bin_id}")
        return camera.take(bin_id)

    def lid_moved(self, bin_id: str, *, is_open: bool) -> None:
        """Tell a bin's camera that its lid stands open, or is shut."""
        camera = self._by_bin.get(bin_id)
        if camera is not None:
            camera.lid_moved(bin_id, is_open=is_open)
