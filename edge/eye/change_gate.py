"""Whether something was thrown in: a bin's region of the picture changed and came to rest. Pure.

A region is looked at as a coarse grid of blocks, which averages the camera's noise away. Two grids are
compared after the brightness that they differ by as a whole is taken out, so that a lamp, a cloud or the
camera's own exposure is no deposit. What covers the whole region evenly, in its own colours, is taken for
such a change of light too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.float32]
"""(rows, columns, 3): each block's mean brightness, 0 to 255, in each channel."""

ROWS, COLUMNS = 24, 32
_DARK = 16.0
"""Differences count relative to brightness, and below this absolutely: the dark is mostly noise."""
_WHITE = 255.0


@dataclass(frozen=True, slots=True)
class GateRules:
    """When a region counts as changed, and when as at rest."""

    contrast: float = 0.15
    """A block differs when it is lighter or darker by this share."""
    area: float = 0.004
    """A region differs when more than this share of its blocks does: a battery in a 40 cm mouth."""
    rest_s: float = 0.3
    """It is at rest when it has not differed from itself for so long."""
    settle_s: float = 0.2
    """After its lid arrived, a region is left alone so long: lids tremble."""


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """One region while its lid is open. `reference` is how it looked last, None before the first look."""

    armed_at: float
    reference: Grid | None = None
    anchor: Grid | None = None
    """What it has looked like since `still_since`; slow movement departs from it, too."""
    still_since: float = 0.0


def arm(now: float) -> Gate:
    """A gate for a lid that has just arrived at its open end."""
    return Gate(armed_at=now)


def look(gate: Gate, grid: Grid, now: float, rules: GateRules) -> tuple[Gate, bool]:
    """The gate after one more picture, and whether something was thrown in. `now` never steps back."""
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
    """Whether two looks at a region show something else, light aside."""
    gain = np.median((other + 1) / (one + 1))
    expected = np.minimum(one * gain, _WHITE)
    scale = np.maximum(expected, other) + _DARK
    changed = (np.abs(other - expected) / scale).max(axis=2) > rules.contrast
    return bool(changed.mean() > rules.area)


def grid_of(picture: NDArray[np.uint8]) -> Grid:
    """The blocks of a picture of any size, (height, width, 3) uint8; fewer where it has fewer pixels."""
    rows, heights = _cuts(picture.shape[0], ROWS)
    columns, widths = _cuts(picture.shape[1], COLUMNS)
    sums = np.add.reduceat(picture, columns, axis=1, dtype=np.float32)
    sums = np.add.reduceat(sums, rows, axis=0)
    means: Grid = (sums / (heights[:, None, None] * widths[None, :, None])).astype(np.float32)
    return means


def _cuts(length: int, parts: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where `length` pixels are cut into nearly equal parts, and how long each part is."""
    edges = np.linspace(0, length, min(parts, length) + 1).astype(np.intp)
    return edges[:-1], np.diff(edges)
