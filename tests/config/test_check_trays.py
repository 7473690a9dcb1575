"""An outline that is no tray is refused by one line."""

from __future__ import annotations

import pytest

from config.reading.check_trays import flaw_of

SQUARE = [(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)]


@pytest.mark.parametrize(
    ("corners", "flaw"),
    [
        (SQUARE, None),
        ([(0.0, 0.0), (1.0, 0.0), (0.5, 1.0)], None),
        (SQUARE[::-1], None),
        ([(0.0, 0.0), (0.4, 0.0), (0.5, 0.5), (0.6, 0.0), (1.0, 0.0), (0.5, 1.0)], None),
        (SQUARE[:2], "it has fewer than three corners"),
        ([*SQUARE[:3], (0.1, 1.2)], "a corner is not within 0 to 1"),
        ([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]], "two of its sides cross"),
        ([(0.1, 0.1), (0.5, 0.5), (0.9, 0.9)], "it has no area"),
        ([(0.1, 0.1)] * 4, "it has no area"),
        ([(float("nan"), 0.1), *SQUARE], "a corner is not within 0 to 1"),
    ],
)
def test_each_flaw_of_an_outline_is_named(corners: list[tuple[float, float]], flaw: str | None) -> None:
    assert flaw_of(corners) == flaw
