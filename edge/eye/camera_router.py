"""All cameras of a station as one, and how cameras and scales hear of lids."""

from __future__ import annotations

from collections.abc import Mapping

from edge.eye.camera import UsbCamera
from edge.hardware.weight.scale import Scale
from edge.messages import Event, LidClosed, LidOpened, Photo
from edge.ports import CameraError, Inbox


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


class LidNews:
    """The inbox that lids post to, so that cameras and scales hear of them. Implements `edge.ports.Inbox`."""

    def __init__(self, inbox: Inbox, sight: Sight, scales: Mapping[str, Scale]) -> None:
        """Hand every event on to `inbox`; `scales` are by bin."""
        self.scales = scales
        self._inbox = inbox
        self._sight = sight

    def post(self, event: Event) -> None:
        """Hand an event on, and tell a bin's camera and its scale if its lid arrived."""
        match event:
            case LidOpened() if scale := self.scales.get(event.bin):
                scale.lid_opened()
            case LidClosed() if scale := self.scales.get(event.bin):
                scale.lid_shuts()
        self._inbox.post(event)
        match event:
            case LidOpened():
                self._sight.lid_moved(event.bin, is_open=True)
            case LidClosed():
                self._sight.lid_moved(event.bin, is_open=False)
                if scale := self.scales.get(event.bin):
                    scale.lid_rests()
