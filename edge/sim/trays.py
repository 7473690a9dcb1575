"""What lies in a simulated station's bins, for an eye in a process of its own; and how that hears of lids."""

from __future__ import annotations

import logging
from collections import defaultdict
from pathlib import Path

from edge.hardware.lid_news import LidWatcher
from edge.messages import ChamberChanged, Event, LidClosed, LidOpened
from edge.ports import Inbox
from edge.sim.photos.scene import TrayScene, head_in, put_scene
from edge.sim.photos.thrown import Thing

log = logging.getLogger(__name__)


class Trays:
    """Lays what was thrown in where the eye looks, and keeps its weight until the lid is shut."""

    def __init__(self, runtime: Path) -> None:
        """Lay things into the station's runtime folder."""
        self._runtime = runtime
        self._weights: defaultdict[str, list[int]] = defaultdict(list)

    def lay(self, bin_id: str, thing: Thing, at: float, weight_g: int | None) -> bool:
        """Let a thing come to rest on top at `at`; False where the folder refuses it."""
        try:
            head = head_in(self._runtime, bin_id)
            number = 1 if head is None else head.number + 1
            put_scene(self._runtime, bin_id, TrayScene(number, at, thing.seed, thing.picture))
        except OSError as error:
            log.warning("nothing can be thrown into bin %s (%s)", bin_id, error)
            return False
        if weight_g is not None:
            self._weights[bin_id].append(weight_g)
        return True

    def weights(self, bin_id: str) -> list[int]:
        """Give each weight that was added since the last call."""
        return self._weights.pop(bin_id, [])


class TrayNews:
    """The inbox that simulated lids post to, so that the eye hears of them. Implements `edge.ports.Inbox`."""

    def __init__(self, inbox: Inbox, eye: LidWatcher, trays: Trays) -> None:
        """Hand every event on to `inbox`; a scale tells as the lid shuts, like a real one."""
        self._inbox, self._eye, self._trays = inbox, eye, trays

    def post(self, event: Event) -> None:
        """Hand an event on."""
        if isinstance(event, LidClosed):
            for weight_g in self._trays.weights(event.bin):
                self._inbox.post(ChamberChanged(event.at, event.bin, weight_g, by_scale=True))
        self._inbox.post(event)
        if isinstance(event, LidOpened | LidClosed):
            self._eye.lid_moved(event.bin, is_open=isinstance(event, LidOpened))
