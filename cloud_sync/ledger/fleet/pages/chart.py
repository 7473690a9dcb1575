"""Readings as a line: the points of an SVG drawing, broken where readings are missing. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH, HEIGHT = 640, 160
MARGIN = 6
"""So that the line is not cut at the edge."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Polylines within WIDTH x HEIGHT, and the values at their lower and upper edge."""

    points: tuple[str, ...]
    dots: tuple[tuple[str, str], ...]
    """Places of readings that have no neighbour."""
    lowest: float
    highest: float


def draw(readings: Sequence[tuple[datetime, float]], first: datetime, last: datetime, gap_s: float) -> Lines:
    """Draw readings, in order of time, between two moments; a gap longer than `gap_s` breaks the line.

    ValueError without readings.
    """
    lowest = min(value for _, value in readings)
    highest = max(value for _, value in readings)
    parts: list[list[tuple[datetime, float]]] = [[]]
    for at, value in readings:
        if parts[-1] and (at - parts[-1][-1][0]).total_seconds() > gap_s:
            parts.append([])
        parts[-1].append((at, value))
    span_s = max(1.0, (last - first).total_seconds())
    height = highest - lowest

    def place(at: datetime, value: float) -> tuple[str, str]:
        x = MARGIN + (WIDTH - 2 * MARGIN) * (at - first).total_seconds() / span_s
        share = (value - lowest) / height if height else 0.5
        return f"{x:.1f}", f"{HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * share:.1f}"

    lines = tuple(" ".join(",".join(place(*one)) for one in part) for part in parts if len(part) > 1)
    return Lines(lines, tuple(place(*part[0]) for part in parts if len(part) == 1), lowest, highest)
