"""The benchmark of the journal, run small."""

from __future__ import annotations

import json

import pytest

from scripts.bench.machine import BUSY
from scripts.cli import run


def test_the_journal_is_measured_beside_bare_sqlite_on_the_same_disk(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["bench", "outbox", "--records", "40", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["name"] == "outbox"
    assert told["unit"] == "records/s"
    assert told["ours"] > 0
    assert told["ratio"] == pytest.approx(told["ours"] / told["limit"])
    assert set(told["peers"]) == {"sqlite_utils"}
    details = told["details"]
    assert details["records"] == 40
    assert 300 < details["event_bytes"] < 4096
    assert details["p50_ms"] <= details["p99_ms"]
    assert details["fsync_p50_ms"] > 0
    assert details["over_commit_p50_ms"] == pytest.approx(details["p50_ms"] - details["bare_p50_ms"])
    assert details["busy_machine"] is (details["others_cpu_share"] + details["stolen_cpu_share"] > BUSY)


def test_a_folder_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "outbox", "--folder", "/nowhere"]) == 2
    assert "/nowhere" in capsys.readouterr().err
