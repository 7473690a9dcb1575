"""What one camera saw in the last seconds, masked before it is remembered; safe from any thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from edge.eye.clips.mask import Inside, Point, masked, union_of
from edge.eye.clips.ring import Ring, RingFrame
from models.pixels import Rgb, encode_jpeg, resize

WIDTH = 640
"""Frames are remembered at most so many pixels wide."""
LEAST_SIDE = 16
"""A smaller picture shows nothing, and no encoder takes it."""
_QUALITY = 80


class ClipMemory:
    """A ring of masked frames. Nothing outside the trays is ever in it, so nothing else can reach a disk."""

    def __init__(self, trays: Sequence[Sequence[Point]]) -> None:
        """Remember only what is inside these polygons; nothing if there is none."""
        self._trays = trays
        self._ring = Ring()
        self._lock = threading.Lock()
        self._inside: Inside | None = None

    @property
    def is_on(self) -> bool:
        """Whether there is a tray to look at."""
        return bool(self._trays)

    def put(self, picture: Rgb, at: float) -> None:
        """Remember an RGB picture of any size. For one thread at a time."""
        height, width = picture.shape[:2]
        if not self.is_on or min(height, width) < LEAST_SIDE:
            return
        if width > WIDTH:
            picture = resize(
                np.ascontiguousarray(picture), WIDTH, max(LEAST_SIDE, round(height * WIDTH / width))
            )
            height, width = picture.shape[:2]
        if self._inside is None or self._inside.shape != (height, width):
            self._inside = union_of(self._trays, width, height)
        frame = RingFrame(at, encode_jpeg(masked(picture, self._inside), _QUALITY))
        with self._lock:
            self._ring.put(frame)

    def between(self, begin: float, end: float) -> tuple[RingFrame, ...]:
        """Return the frames taken from `begin` to `end`, in monotonic seconds."""
        with self._lock:
            return self._ring.between(begin, end)
