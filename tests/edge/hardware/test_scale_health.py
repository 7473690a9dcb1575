"""Which scale cannot be believed, and when."""

from __future__ import annotations

import pytest

from edge.faults import FaultCode
from edge.hardware.weight.health import (
    FIRST_S,
    MOST_COUNTS,
    SATURATED_S,
    SILENT_S,
    STUCK_S,
    ScaleHistory,
    fault_of,
    with_reading,
)


def after(*readings: tuple[float, int]) -> ScaleHistory:
    scale = ScaleHistory(0.0)
    for at, counts in readings:
        scale = with_reading(scale, counts, at)
    return scale


def alive(seconds: float, counts: int = 5000) -> list[tuple[float, int]]:
    """Readings every 5 s whose lowest bits never stand still."""
    return [(5.0 * number, counts + number % 3) for number in range(1 + int(seconds // 5))]


def same(seconds: float, counts: int) -> list[tuple[float, int]]:
    return [(5.0 * number, counts) for number in range(1 + int(seconds // 5))]


@pytest.mark.parametrize(
    ("scale", "now", "code"),
    [
        (None, 0, FaultCode.SCALE_SILENT),
        (after(), FIRST_S, None),
        (after(), FIRST_S + 1, FaultCode.SCALE_SILENT),
        (after(*alive(600)), 600, None),
        (after(*alive(600)), 600 + SILENT_S, None),
        (after(*alive(600)), 601 + SILENT_S, FaultCode.SCALE_SILENT),
        (after(*same(STUCK_S - 5, 70)), STUCK_S - 1, None),
        (after(*same(STUCK_S, 70)), STUCK_S, FaultCode.SCALE_STUCK),
        (after(*same(STUCK_S, 70), (STUCK_S + 1, 71)), STUCK_S + 1, None),
        (after((0, MOST_COUNTS)), 1, None),
        (after((0, MOST_COUNTS)), SATURATED_S, FaultCode.SCALE_SATURATED),
        (after((0, -MOST_COUNTS - 1)), SATURATED_S, FaultCode.SCALE_SATURATED),
        (after(*same(STUCK_S, MOST_COUNTS)), STUCK_S, FaultCode.SCALE_SATURATED),
        (after((0, MOST_COUNTS), (2, 6000)), SATURATED_S + 1, None),
    ],
    ids=[
        "no link", "just linked", "never told", "alive", "quiet a moment", "silent", "the same a while",
        "stuck", "stuck no more", "stepped on", "beyond its range", "below its range", "both",
        "back in range",
    ],
)  # fmt: skip
def test_a_scale_that_is_silent_stuck_or_saturated_is_found_out(
    scale: ScaleHistory | None, now: float, code: FaultCode | None
) -> None:
    assert fault_of(scale, now) is code
