"""The benchmark of a start, run small: real processes, a silent reader and a silent controller."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripts.bench.start.run import PROCESSES
from scripts.bench.start.usage import usage


def test_it_measures_the_start_and_what_each_process_needs_at_rest(
    bench: Callable[..., dict[str, Any]],
) -> None:
    printed = bench("start", "--starts", "1", "--seconds", "0.5")
    details = printed["details"]
    assert (printed["name"], printed["unit"]) == ("start", "s")
    assert 0 < printed["limit"] == details["bare_python_s"]
    assert 0 < printed["ours"] == details["ready_s"] <= details["ready_slowest_s"]
    for name in PROCESSES:
        assert 0 < details[f"{name}_pss_mb"] <= details[f"{name}_rss_mb"]
        assert details[f"{name}_idle_cpu_pct"] >= 0


def test_a_process_whose_name_has_a_parenthesis_is_read_right(tmp_path: Path) -> None:
    folder = tmp_path / "7"
    folder.mkdir()
    ticks = os.sysconf("SC_CLK_TCK")
    fields = " ".join(["S", *["1"] * 10, str(2 * ticks), str(ticks), "0"])
    (folder / "stat").write_text(f"7 (odd) name) {fields}\n", encoding="ascii")
    (folder / "smaps_rollup").write_text("0-1 rollup\nRss: 1000 kB\nPss: 500 kB\n", encoding="ascii")
    found = usage(7, tmp_path)
    assert (found.cpu_s, found.rss_mb, found.pss_mb) == (3.0, 1.024, 0.512)
