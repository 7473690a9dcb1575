"""The cameras of a simulated station, in the eye's process: they see what the world put into the bins."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from config.station import StationSettings
from edge.eye.clips.memory import ClipMemory
from edge.eye.clips.ring import RingFrame
from edge.eye.crop import Crop
from edge.hardware.polled_thread import PolledThread
from edge.messages import ChamberChanged
from edge.ports import CameraError, Clock, Inbox
from edge.sim.photos.camera import frames_of
from edge.sim.photos.scene import head_in, scene_in
from edge.sim.photos.scenes import vary

LOOK_S = 0.01
"""How often the bins that are watched are looked into."""
FRAME_S = 1 / 15
"""Time between two frames of a clip."""
WHOLE = (0.0, 0.0, 1.0, 1.0)
"""A simulated camera sees one bin, and the network all of its picture."""


class SceneCamera:
    """All cameras of one station. Implements `edge.eye.server.WatchfulCamera`.

    What is thrown in is told as it comes to lie there; how pixels tell it is `edge.eye.change_gate`'s.
    """

    def __init__(self, settings: StationSettings, clock: Clock, inbox: Inbox) -> None:
        """Look into the station's bins. `start` begins."""
        self._runtime = Path(settings.station.runtime_dir)
        self._bins = frozenset(bin_.id for bin_ in settings.bin if bin_.camera is not None)
        self._clock, self._inbox = clock, inbox
        self._lock = threading.Lock()
        self._seen = {bin_id: self._count(bin_id) for bin_id in self._bins}
        """How many things had been thrown in by the last look, by bin: a shut bin gets no more."""
        self._watched: set[str] = set()
        self._memories = {bin_.id: ClipMemory([bin_.tray]) for bin_ in settings.bin if bin_.tray}
        self._filmed_at = 0.0
        self._rng = np.random.default_rng(0)
        self._thread = PolledThread("scenes", self._look, lambda: None)

    def start(self) -> None:
        """Begin to look; once."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._thread.stop()

    def take(self, bin_id: str) -> tuple[Crop, ...]:
        """Two or three frames, no two alike. CameraError when there is nothing to see."""
        scene = scene_in(self._runtime, bin_id) if bin_id in self._bins else None
        if scene is None:
            raise CameraError(f"bin {bin_id} has nothing in it yet")
        now = self._clock.now()
        return tuple(Crop(frame, WHOLE, now) for frame in frames_of(scene.picture, scene.seed))

    def past(self, bin_id: str, begin: float, end: float) -> tuple[RingFrame, ...]:
        """Return the masked frames of a bin while its lid was open; none of a bin without a tray."""
        memory = self._memories.get(bin_id)
        return () if memory is None else memory.between(begin, end)

    def lid_moved(self, bin_id: str, *, is_open: bool) -> None:
        """Watch a bin from when its lid stands open until it is shut, and look a last time then."""
        if bin_id not in self._bins:
            return
        with self._lock:
            if is_open:
                self._watched.add(bin_id)
            elif bin_id in self._watched:
                self._look_into(bin_id)
                self._watched.discard(bin_id)
        self._thread.wake()

    def _look(self) -> float | None:
        with self._lock:
            for bin_id in self._watched:
                self._look_into(bin_id)
            self._film()
            return LOOK_S if self._watched else None

    def _film(self) -> None:
        """Remember what lies in the watched bins, as often as a camera would."""
        now = self._clock.now()
        if now < self._filmed_at + FRAME_S:
            return
        self._filmed_at = now
        for bin_id in self._watched & self._memories.keys():
            scene = scene_in(self._runtime, bin_id)
            if scene is not None and scene.at <= now:
                self._memories[bin_id].put(vary(scene.picture, self._rng), now)

    def _look_into(self, bin_id: str) -> None:
        head = head_in(self._runtime, bin_id)
        if head is None or head.at > self._clock.now():
            return
        for _ in range(self._seen[bin_id], head.number):
            self._inbox.post(ChamberChanged(head.at, bin_id))
        self._seen[bin_id] = head.number

    def _count(self, bin_id: str) -> int:
        head = head_in(self._runtime, bin_id)
        return 0 if head is None else head.number
