"""The benchmark of a tap, run small: real processes over ptys and mock pins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_it_measures_the_station_and_a_bare_script_idle_and_busy(
    bench: Callable[..., dict[str, Any]],
) -> None:
    printed = bench("tap", "--taps", "7", "--drain", "2000")
    assert printed["name"] == "tap"
    assert printed["unit"] == "ms"
    assert min(printed["limit"], printed["ours"]) > 0
    details = printed["details"]
    assert details["taps"] == 7
    for scenario in ("idle", "busy"):
        for whose in ("ours", "bare"):
            assert 0 < details[f"{scenario}_{whose}_p50_ms"] <= details[f"{scenario}_{whose}_p99_ms"]
    assert details["drained_before_taps"] > 0
    # Whether so few events outlast the taps is the machine's speed; the benchmark says which it was.
    assert details["drain_outlasted_taps"] is (details["waiting_after_taps"] > 0)
