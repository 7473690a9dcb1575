"""Readings as a drawn line."""

from __future__ import annotations

from datetime import timedelta

from cloud_sync.ledger.fleet.pages.chart import HEIGHT, MARGIN, WIDTH, draw
from tests.ledger.town import NOW

HOUR = timedelta(hours=1)


def test_a_line_goes_from_edge_to_edge() -> None:
    lines = draw([(NOW, 1.0), (NOW + HOUR, 3.0)], NOW, NOW + HOUR, 3600.0)
    left, right = MARGIN, WIDTH - MARGIN
    low, high = HEIGHT - MARGIN, MARGIN
    assert lines.points == (f"{left:.1f},{low:.1f} {right:.1f},{high:.1f}",)
    assert (lines.lowest, lines.highest, lines.dots) == (1.0, 3.0, ())


def test_a_gap_breaks_the_line_and_a_lonely_reading_is_a_dot() -> None:
    readings = [(NOW, 1.0), (NOW + HOUR, 1.0), (NOW + 5 * HOUR, 1.0)]
    lines = draw(readings, NOW, NOW + 5 * HOUR, 3600.0)
    assert (len(lines.points), len(lines.dots)) == (1, 1)
    assert lines.dots[0][1] == f"{HEIGHT / 2:.1f}"
