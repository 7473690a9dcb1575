"""The README's moving picture keeps its promised speed on any machine."""

from __future__ import annotations

from scripts.demonstration.pictures import SPEED, STANDS_S, durations_ms


def test_a_frame_stands_as_long_as_it_did_by_the_promised_speed() -> None:
    assert SPEED == 2
    assert durations_ms([10.0, 10.5, 13.5]) == [250, 1500, 1000 * STANDS_S]
