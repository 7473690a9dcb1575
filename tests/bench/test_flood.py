"""The benchmark of a community's backlog beside others, small."""

from __future__ import annotations

import json
import subprocess

from tests.programs import TONGZHAN


def test_it_measures_the_others_with_the_backlog_and_without_it_and_loses_none() -> None:
    command = [*TONGZHAN, "bench", "flood", "--events", "2000", "--stations", "2", "--seconds", "2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    details = result["details"]
    assert (result["name"], result["unit"]) == ("flood", "ms")
    assert result["ours"] > 0
    assert result["limit"] > 0
    assert details["times_slower_at_p99"] > 0
    assert 0 < details["events_brought"] <= 2000
    assert min(details["batches"], details["batches_alone"]) > 0
