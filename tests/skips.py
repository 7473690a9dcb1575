"""Skips are told of, and with CI set one that nobody allowed fails the run: what is never run proves nothing.

A plugin, loaded by tests/conftest.py. `skips.toml` has what is allowed, and why.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct

ALLOWED = Path(__file__).with_name("skips.toml")


class Skip(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of allowed skip: a pattern of its whole reason, and why nothing is lost by it."""

    reason: str
    why: str


class _List(Struct, frozen=True, forbid_unknown_fields=True):
    skip: tuple[Skip, ...]


def allowed() -> tuple[Skip, ...]:
    """Read the list of allowed skips."""
    return msgspec.toml.decode(ALLOWED.read_bytes(), type=_List).skip


def unexpected(reasons: Iterable[str], skips: Iterable[Skip]) -> list[str]:
    """Give the reasons that no allowed skip covers, each once."""
    patterns = [re.compile(skip.reason) for skip in skips]
    return [
        reason
        for reason in dict.fromkeys(reasons)
        if not any(pattern.fullmatch(reason) for pattern in patterns)
    ]


class Skips:
    """Hears of each skip of a run; under xdist, in the process that hears of all."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and isinstance(report.longrepr, tuple):
            self.reasons[report.longrepr[2].removeprefix("Skipped: ")] += 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test was skipped."""
        if not hasattr(report, "wasxfail"):
            self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A whole file was skipped."""
        self._note(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Turn a run of CI red that skipped what it may not."""
        is_worker = hasattr(session.config, "workerinput")
        if "CI" in os.environ and not is_worker and unexpected(self.reasons, allowed()):
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell what was skipped, and what of it is not allowed."""
        for reason, count in sorted(self.reasons.items()):
            terminalreporter.write_line(f"skipped {count}: {reason}")
        for reason in unexpected(self.reasons, allowed()):
            terminalreporter.write_line(
                f"NOT ALLOWED where CI is set: {reason!r} (mend it, or allow it in tests/skips.toml)",
                red=True,
            )
