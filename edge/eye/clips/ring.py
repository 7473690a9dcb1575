"""The last seconds of one camera, as JPEG in memory. Pure: times and bytes are passed in."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

RING_S = 10.0
"""Frames older than this are dropped."""
RING_BYTES = 12_000_000
"""Most bytes of one ring: ten seconds at fifteen frames a second take about 7 MB at 640x480."""


class RingFrame(NamedTuple):
    """One frame: when it was taken, in monotonic seconds, and its JPEG."""

    at: float
    jpeg: bytes


class Ring:
    """Frames in the order of their times, bounded in seconds and bytes. For one thread at a time."""

    def __init__(self, seconds: float = RING_S, most_bytes: int = RING_BYTES) -> None:
        """Keep frames for `seconds`, and at most `most_bytes` of them."""
        self._seconds, self._most_bytes = seconds, most_bytes
        self._frames: deque[RingFrame] = deque()
        self.size = 0
        """Bytes of all frames."""

    def put(self, frame: RingFrame) -> None:
        """Add a frame; drop what is too old, and the oldest frames beyond the bound.

        A frame from before the newest one is ignored, and so is one that is larger than the whole ring.
        """
        if len(frame.jpeg) > self._most_bytes or (self._frames and frame.at <= self._frames[-1].at):
            return
        self._frames.append(frame)
        self.size += len(frame.jpeg)
        while self._frames[0].at < frame.at - self._seconds or self.size > self._most_bytes:
            self.size -= len(self._frames.popleft().jpeg)

    def between(self, begin: float, end: float) -> tuple[RingFrame, ...]:
        """Return the frames taken from `begin` to `end`."""
        return tuple(frame for frame in self._frames if begin <= frame.at <= end)

    def clear(self) -> None:
        """Drop every frame."""
        self._frames.clear()
        self.size = 0
