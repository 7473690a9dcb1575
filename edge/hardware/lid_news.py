"""Tells the eye and the scales when lids open and shut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from edge.hardware.weight.scale import Scale
from edge.messages import Event, LidClosed, LidOpened
from edge.ports import Inbox


class LidWatcher(Protocol):
    """Looks into bins while their lids are open."""

    def lid_moved(self, bin_id: str, *, is_open: bool) -> None:
        """Note that a bin's lid is open or shut. Returns at once."""
        ...


class Nobody:
    """Ignores lids, for a station without an eye. Implements `LidWatcher`."""

    def lid_moved(self, bin_id: str, *, is_open: bool) -> None:
        """Do nothing."""


class LidNews:
    """The inbox that lids post to: it also tells cameras and scales. Implements `edge.ports.Inbox`."""

    def __init__(self, inbox: Inbox, watcher: LidWatcher, scales: Mapping[str, Scale]) -> None:
        """Forward every event to `inbox`; `scales` are by bin."""
        self.scales = scales
        self._inbox = inbox
        self._watcher = watcher

    def post(self, event: Event) -> None:
        """Forward an event; tell the bin's camera and scale if its lid has opened or shut."""
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
