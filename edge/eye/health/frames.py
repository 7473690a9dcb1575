"""Whether a camera's frame can be used, and when a flaw has lasted so long that it is a fault. Pure numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from edge.faults import FaultCode

LEAST_SIDE, MOST_SIDE = 64, 4096
"""A frame with a side outside this is no picture of bins: a camera without a signal, or another mode."""
DARK = 8.0
"""Mean brightness below which nothing can be seen, of 255."""
PLAIN = 4.0
"""A lens that is covered gives blocks whose means differ by less than this in each colour. One thing that
fills the whole picture with a single even colour looks the same."""
HOLD_S = 3.0
"""A flaw of every frame for this long is a fault."""
CLEAR_S = 1.0
"""The fault ends after this long without the flaw."""
TORN_SHARE = 16
"""A frame is torn if its last so-manieth part is one single colour, and the rest is not: half of it came."""
_BLOCKS = 8

UNUSABLE = frozenset({FaultCode.CAMERA_TORN})
OF_LIGHT = frozenset({FaultCode.CAMERA_DARK, FaultCode.CAMERA_COVERED})
"""Judged only while a lid is open: a shut bin may be dark."""


def flaw_of(picture: NDArray[np.generic], *, is_open: bool) -> FaultCode | None:
    """Return what is wrong with a frame; `is_open`: whether a lid in it is open, so that there is light."""
    rows, columns, *colours = picture.shape
    if not colours or not all(LEAST_SIDE <= side <= MOST_SIDE for side in (rows, columns)):
        return FaultCode.CAMERA_TORN
    if _is_torn(picture):
        return FaultCode.CAMERA_TORN
    if not is_open:
        return None
    bands = np.array_split(picture[::2, ::2].astype(np.float32), _BLOCKS)
    blocks = [block for band in bands for block in np.array_split(band, _BLOCKS, axis=1)]
    means = np.array([block.mean(axis=(0, 1)) for block in blocks])
    if means.mean() < DARK:
        return FaultCode.CAMERA_DARK
    return FaultCode.CAMERA_COVERED if np.ptp(means, axis=0).max() < PLAIN else None


def _is_torn(picture: NDArray[np.generic]) -> bool:
    last = picture[-max(1, picture.shape[0] // TORN_SHARE) :]
    return bool((last == last[-1, -1]).all()) and not bool((picture == last[-1, -1]).all())


@dataclass(frozen=True, slots=True)
class FrameHealth:
    """How long each flaw has lasted, and which ones are faults now."""

    since: Mapping[FaultCode, float] = field(default_factory=lambda: MappingProxyType({}))
    good_since: Mapping[FaultCode, float] = field(default_factory=lambda: MappingProxyType({}))
    faults: frozenset[FaultCode] = frozenset()

    def look(self, flaw: FaultCode | None, at: float, *, is_open: bool) -> FrameHealth:
        """Return the health after one more frame, taken at `at`."""
        judged = UNUSABLE | OF_LIGHT if is_open or flaw in OF_LIGHT else UNUSABLE
        since, good_since, faults = dict(self.since), dict(self.good_since), set(self.faults)
        for code in judged:
            if code is flaw:
                good_since.pop(code, None)
                if at >= since.setdefault(code, at) + HOLD_S:
                    faults.add(code)
            elif flaw not in UNUSABLE:  # a torn frame says nothing of the light
                since.pop(code, None)
                if at >= good_since.setdefault(code, at) + CLEAR_S:
                    faults.discard(code)
        return FrameHealth(MappingProxyType(since), MappingProxyType(good_since), frozenset(faults))
