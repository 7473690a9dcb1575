"""What a long run says where nobody watches a terminal."""

from __future__ import annotations

from io import StringIO

import pytest

pytest.importorskip("rich", reason="the extra 'training' is not installed")

from rich.console import Console

from models.training.progress import progress


def test_a_log_gets_a_line_at_every_tenth_only() -> None:
    written = StringIO()
    with progress(Console(file=written, width=80)) as bar:
        advance = bar("tuning", 40)
        for _ in range(40):
            advance(1)
    lines = written.getvalue().splitlines()
    assert len(lines) == 10
    assert (lines[0], lines[-1]) == ("tuning: 4 of 40", "tuning: 40 of 40")


def test_progress_without_work_prints_nothing() -> None:
    written = StringIO()
    with progress(Console(file=written)) as bar:
        bar("tuning", 0)(0)
    assert written.getvalue() == ""


def test_a_terminal_gets_a_bar() -> None:
    written = StringIO()
    with progress(Console(file=written, force_terminal=True, width=80)) as bar:
        bar("tuning", 4)(4)
    assert "tuning" in written.getvalue()
    assert "4/4" in written.getvalue()
