"""Routes each bin's requests to its own camera."""

from __future__ import annotations

from collections.abc import Mapping

from edge.eye.camera import UsbCamera
from edge.eye.clips.ring import RingFrame
from edge.eye.crop import Crop
from edge.ports import CameraError


class CameraRouter:
    """All cameras of a station as one. Implements `edge.ports.Camera`."""

    def __init__(self, by_bin: Mapping[str, UsbCamera]) -> None:
        """Use these cameras; a bin that is not in `by_bin` has no camera."""
        self._by_bin = by_bin

    def take(self, bin_id: str) -> tuple[Crop, ...]:
        """Return fresh photos of a bin's region; CameraError if there are none, or no camera."""
        camera = self._by_bin.get(bin_id)
        if camera is None:
            raise CameraError(f"no camera looks at bin {bin_id}")
        return camera.take(bin_id)

    def past(self, bin_id: str, begin: float, end: float) -> tuple[RingFrame, ...]:
        """Return the masked frames of a bin's camera from `begin` to `end`; none without a camera."""
        camera = self._by_bin.get(bin_id)
        return () if camera is None else camera.past(bin_id, begin, end)

    def lid_moved(self, bin_id: str, *, is_open: bool) -> None:
        """Tell a bin's camera that the lid is open or shut."""
        camera = self._by_bin.get(bin_id)
        if camera is not None:
            camera.lid_moved(bin_id, is_open=is_open)
