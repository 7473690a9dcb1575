"""Detects a noisy line by its damaged frames. Pure; times are passed in."""

from __future__ import annotations

from collections import deque

FLAWS = 8
"""This many damaged frames within WINDOW_S are noise; a new link or a moved plug causes fewer."""
WINDOW_S = 5.0
QUIET_S = 5.0
"""A line without a damaged frame for this long is quiet again."""


class LineNoise:
    """Counts damaged frames; `judge` reports when a line becomes noisy, and when it is quiet again."""

    def __init__(self) -> None:
        self._seen = 0
        self._at: deque[float] = deque(maxlen=FLAWS)
        self._is_noisy = False

    def judge(self, dropped: int, now: float) -> bool | None:
        """Take the total of dropped frames; return whether the line is noisy, None if that is unchanged."""
        self._at.extend([now] * min(FLAWS, dropped - self._seen))
        self._seen = dropped
        if self._is_noisy:
            is_noisy = now < self._at[-1] + QUIET_S
        else:
            is_noisy = len(self._at) == FLAWS and now < self._at[0] + WINDOW_S
        if is_noisy is self._is_noisy:
            return None
        self._is_noisy = is_noisy
        return is_noisy
