"""The number of the sync process's starts."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from edge.sync.starts import STARTS, next_start

NOW_S = 1_800_000_000.0


def test_each_start_has_a_greater_number_even_if_the_calendar_steps_back(
    tmp_path: Path,
) -> None:
    starts = [next_start(tmp_path, at_s) for at_s in (NOW_S, NOW_S, 0.0, NOW_S - 86_400)]
    assert starts == [int(NOW_S) + step for step in range(4)]


def test_a_new_memory_card_goes_on_after_the_old_one(tmp_path: Path) -> None:
    old = next_start(tmp_path, NOW_S)
    (tmp_path / STARTS).unlink()
    assert next_start(tmp_path, NOW_S + 60) > old


@pytest.mark.parametrize("content", [b"", b"many", b"-3", b"9" * 30, b"\xff"])
def test_a_file_that_cannot_be_read_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / STARTS).write_bytes(content)
    assert next_start(tmp_path, NOW_S) == int(NOW_S)


def test_a_folder_that_cannot_be_written_is_named_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert next_start(tmp_path / "missing", NOW_S) == int(NOW_S)
    assert "sync-starts" in caplog.text
