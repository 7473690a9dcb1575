"""How the eye and the scales hear of lids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from edge.hardware.weight.scale import Scale
from edge.messages import Event, LidClosed, LidOpened
from edge.ports import Inbox


class LidWatcher(Protocol):
    """What looks into bins while their lids stand open."""

    def lid_moved(self, bin_id: str, *, is_open: bool) -> None:
        """Hear that a bin's lid stands open, or is shut. Returns at once."""
        ...


class Nobody:
    """Looks nowhere. Implements `LidWatcher`."""

    def lid_moved(self, bin_id: str, *, is_open: bool) -> None:
        """Do nothing."""


class LidNews:
    """The inbox that lids post to, so that cameras and scales hear of them. Implements `edge.ports.Inbox`."""

    def __init__(self, inbox: Inbox, watcher: LidWatcher, scales: Mapping[str, Scale]) -> None:
        """Hand every event on to `inbox`; `scales` are by bin."""
        self.scales = scales
        self._inbox = inbox
        self._watcher = watcher

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
                self._watcher.lid_moved(event.bin, is_open=True)
            case LidClosed():
                self._watcher.lid_moved(event.bin, is_open=False)
                if scale := self.scales.get(event.bin):
                    scale.lid_rests()
