"""The benchmark of the line down, run small, with real processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cloud_sync.wire.roster import RECORD_BYTES

pytest.importorskip("iotcore")


def test_the_time_from_a_click_to_a_refused_tap_is_measured_beside_bare_http_and_mqtt(
    bench: Callable[..., dict[str, Any]],
) -> None:
    told = bench("down", "--cards", "300", "--online", "2", "--simulated", "8")
    details = told["details"]
    assert (told["name"], told["unit"]) == ("down", "s")
    assert told["ratio"] == pytest.approx(told["limit"] / told["ours"])
    assert set(told["peers"]) == {"mqtt_push", "bare_http"}
    assert details["block_p50_s"] <= details["block_p99_s"] == pytest.approx(told["ours"], abs=0.001)
    assert 300 * RECORD_BYTES < details["roster_bytes"] < 300 * RECORD_BYTES + 1000
    assert RECORD_BYTES < details["delta_bytes"] < 2000
    assert 0 < details["roster_1000_p50_s"] <= details["roster_1000_p99_s"]
    assert (details["online_stations"], details["simulated_stations"]) == (2, 8)
