"""The benchmark of the whole way to the ledger, run small, with real processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cloud_sync.transport.resend import WINDOW

pytest.importorskip("iotcore")


def test_the_way_from_outbox_to_receipt_is_measured_beside_the_ledgers_own_speed(
    bench: Callable[..., dict[str, Any]],
) -> None:
    told = bench("sync", "--events", "4000")
    assert (told["name"], told["unit"]) == ("sync", "events/s")
    assert told["ours"] > 0
    assert told["ratio"] == pytest.approx(told["ours"] / told["limit"])
    assert 0 < told["details"]["events"] <= 4000
    assert told["details"]["messages_a_transaction"] == WINDOW
    assert told["details"]["single_events_s"] > 0
    assert told["details"]["record_quiet_p50_ms"] <= told["details"]["record_quiet_p99_ms"]
