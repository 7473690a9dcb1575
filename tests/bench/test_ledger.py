"""The ledger's benchmark, small."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.postgres import MISSING, find_programs

DATABASES = [
    "sqlite",
    pytest.param(
        "postgres", marks=[pytest.mark.full, pytest.mark.skipif(find_programs() is None, reason=MISSING)]
    ),
]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from scripts.cli import main; main()", "bench", "ledger", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.parametrize("database", DATABASES)
def test_it_settles_every_event_by_either_database_above_few_rows_and_above_many(database: str) -> None:
    done = bench("--db", database, "--events", "1000", "--stored", "4000", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["name"] == "ledger"
    assert result["unit"] == "events/s"
    assert 0 < result["ratio"] < 2
    assert result["ours"] > 0
    assert result["limit"] > 0
    details = result["details"]
    assert details["transfers_above_400"] == details["transfers_above_4000"] == 1000
    assert details["scale"] > 0


def test_without_a_stock_it_says_nothing_of_scale() -> None:
    done = bench("--events", "1000")
    assert done.returncode == 0, done.stderr
    assert "scale" not in done.stdout
    assert "ratio" in done.stdout
