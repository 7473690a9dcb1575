"""The newest picture of a camera, and how old it is."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.ports import Clock


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture, (height, width, 3) uint8, and the monotonic second it came."""

    picture: NDArray[np.uint8]
    at: float


class NewestFrame:
    """Holds the newest frame: one thread puts, any thread looks or waits.

    A frame that repeats the one before, bit for bit, does not count: no sensor is so still, but a driver
    whose camera is gone may hand out its last picture for ever (opencv#5221). A sensor in full darkness
    may be as still; a camera that sees nothing counts as one that is gone.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._began_at = clock.now()

    def begin(self) -> None:
        """Count the age of the first frame from now."""
        with self._changed:
            self._began_at = self._clock.now()

    def put(self, picture: NDArray[np.uint8], at: float) -> Frame | None:
        """Take a picture that came at `at`; give it back as a frame, None if it was a repetition."""
        with self._changed:
            if self._frame is not None and np.array_equal(picture, self._frame.picture):
                return None
            self._frame = Frame(picture, at)
            self._changed.notify_all()
            return self._frame

    def wait_for(self, not_before: float, within_s: float) -> Frame | None:
        """A frame that came at `not_before` or later; None if there is none in `within_s` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_since(not_before), within_s)
            return self._frame if self._is_since(not_before) else None

    def age_s(self) -> float:
        """Seconds since the newest frame; before the first, since the beginning."""
        with self._changed:
            since = self._began_at if self._frame is None else self._frame.at
            return self._clock.now() - since

    def _is_since(self, moment: float) -> bool:
        return self._frame is not None and self._frame.at >= moment
