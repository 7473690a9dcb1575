"""The benchmark of the whole way to the ledger, run small, with real processes."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("iotcore")

from scripts.cli import run


def test_the_way_from_outbox_to_receipt_is_measured_beside_the_ledgers_own_speed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["bench", "sync", "--events", "400", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["name"], told["unit"]) == ("sync", "events/s")
    assert told["ours"] > 0
    assert told["ratio"] == pytest.approx(told["ours"] / told["limit"])
    assert 0 < told["details"]["events"] <= 400
    assert told["details"]["record_quiet_p50_ms"] <= told["details"]["record_quiet_p99_ms"]
