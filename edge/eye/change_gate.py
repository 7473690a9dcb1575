"""Detects deposits in pictures: a bin's region changed and came to rest. Pure.

A region is reduced to a coarse grid of blocks, which averages the camera's noise away. Two grids are
compared after their overall difference in brightness is removed, so that a lamp, a cloud or the camera's
exposure is not a deposit. Limit: a thing that covers the whole region evenly, without changing its colours,
looks like such a change of light and is not detected.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.float32]
"""(rows, columns, 3): each block's mean brightness, 0 to 255, in each channel."""

ROWS, COLUMNS = 24, 32
_DARK = 16.0
"""Added to the brightness that differences are divided by: dark blocks are mostly noise."""
_WHITE = 255.0


@dataclass(frozen=True, slots=True)
class GateRules:
    """Thresholds: when a region counts as changed, and when as at rest."""

    contrast: float = 0.15
    """A block differs when it is lighter or darker by more than this share."""
    area: float = 0.004
    """A region differs when more than this share of its blocks differs: a battery in a 40 cm mouth."""
    rest_s: float = 0.3
    """A region is at rest when it has not changed for this long."""
    settle_s: float = 0.2
    """A region is ignored for this long after its lid has opened: lids tremble."""


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """One region while its lid is open. `reference` is how it last looked at rest; None at first."""

    armed_at: float
    reference: Grid | None = None
    anchor: Grid | None = None
    """How it has looked since `still_since`; it stays fixed, so that slow movement is noticed too."""
    still_since: float = 0.0


def arm(now: float) -> Gate:
    """Return the gate of a lid that has just opened."""
    return Gate(armed_at=now)


def look(gate: Gate, grid: Grid, now: float, rules: GateRules) -> tuple[Gate, bool]:
    """Return the gate after one more picture, and whether something was thrown in; `now` never decreases."""
    if gate.reference is None or gate.anchor is None:
        if now < gate.armed_at + rules.settle_s:
            return gate, False
        return replace(gate, reference=grid, anchor=grid, still_since=now), False
    if differs(gate.anchor, grid, rules):
        return replace(gate, anchor=grid, still_since=now), False
    if now >= gate.still_since + rules.rest_s and differs(gate.reference, grid, rules):
        return replace(gate, reference=grid), True
    return gate, False


def differs(one: Grid, other: Grid, rules: GateRules) -> bool:
    """Return whether two grids of a region differ by more than light."""
    gain = np.median((other + 1) / (one + 1))
    expected = np.minimum(one * gain, _WHITE)
    scale = np.maximum(expected, other) + _DARK
    changed = (np.abs(other - expected) / scale).max(axis=2) > rules.contrast
    return bool(changed.mean() > rules.area)


def grid_of(picture: NDArray[np.uint8]) -> Grid:
    """Average a picture, (height, width, 3) uint8, into blocks; a tiny picture gives fewer blocks."""
    rows, heights = _cuts(picture.shape[0], ROWS)
    columns, widths = _cuts(picture.shape[1], COLUMNS)
    sums = np.add.reduceat(picture, columns, axis=1, dtype=np.float32)
    sums = np.add.reduceat(sums, rows, axis=0)
    means: Grid = (sums / (heights[:, None, None] * widths[None, :, None])).astype(np.float32)
    return means


def _cuts(length: int, parts: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Divide `length` pixels into nearly equal parts; return where each begins and its length."""
    edges = np.linspace(0, length, min(parts, length) + 1).astype(np.intp)
    return edges[:-1], np.diff(edges)
