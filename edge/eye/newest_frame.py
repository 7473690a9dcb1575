"""The newest frame of a camera, and its age."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.ports import Clock


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture, (height, width, 3) uint8, and when it came, in monotonic seconds."""

    picture: NDArray[np.uint8]
    at: float


class NewestFrame:
    """Holds the newest frame: one thread puts frames, any thread reads them or waits.

    A frame that equals the previous one bit for bit does not count: a working sensor always has noise, but
    the driver of a removed camera may repeat its last picture without end (opencv#5221). A camera in full
    darkness may repeat itself too; it sees nothing, so it counts as removed.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._began_at = clock.now()

    def begin(self) -> None:
        """Count the age from now until the first frame comes."""
        with self._changed:
            self._began_at = self._clock.now()

    def put(self, picture: NDArray[np.uint8], at: float) -> Frame | None:
        """Store a picture that came at `at` and return it as a frame; None if it is a repetition."""
        with self._changed:
            if self._frame is not None and np.array_equal(picture, self._frame.picture):
                return None
            self._frame = Frame(picture, at)
            self._changed.notify_all()
            return self._frame

    def wait_for(self, not_before: float, within_s: float) -> Frame | None:
        """Wait for a frame of `not_before` or later; return None if none comes within `within_s` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_since(not_before), within_s)
            return self._frame if self._is_since(not_before) else None

    def age_s(self) -> float:
        """Return the seconds since the newest frame; before the first, since `begin`."""
        with self._changed:
            since = self._began_at if self._frame is None else self._frame.at
            return self._clock.now() - since

    def _is_since(self, moment: float) -> bool:
        return self._frame is not None and self._frame.at >= moment
