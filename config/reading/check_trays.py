"""Checks the outline of a tray in station.toml."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

Point = tuple[float, float]
"""Across and down, as fractions of the picture's width and height."""
LEAST_CORNERS = 3
LEAST_AREA = 0.001
"""Smallest tray, as a fraction of the picture."""


def flaw_of(polygon: Sequence[Point]) -> str | None:
    """Return what is wrong with a tray's outline; None if it can be used."""
    if len(polygon) < LEAST_CORNERS:
        return "it has fewer than three corners"
    if any(not 0 <= share <= 1 for point in polygon for share in point):
        return "a corner is not within 0 to 1"
    sides = list(pairwise([*polygon, polygon[0]]))
    if any(_cross(*one, *other) for one, other in combinations(sides, 2)):
        return "two of its sides cross"
    if abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in sides)) / 2 < LEAST_AREA:
        return "it has no area"
    return None


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Return whether the inner parts of a line from a to b and of one from c to d cross."""
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Point, b: Point, of: Point) -> float:
    return (b[0] - a[0]) * (of[1] - a[1]) - (b[1] - a[1]) * (of[0] - a[0])
