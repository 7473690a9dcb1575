"""A pytest plugin that writes what became of each test to a file: one JSON record a line.

Loaded by `-p tests.running.outcomes --outcomes FILE`; under xdist only the process that gathers writes.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

import msgspec
import pytest

CPU = "cpu_s"


class Outcome(msgspec.Struct, frozen=True):
    """What became of one test."""

    nodeid: str
    failed: bool
    seconds: float
    cpu_s: float = 0.0
    """Of its process and of the programs that it started and that have ended."""
    is_property: bool = False
    """Whether hypothesis chose its examples."""
    why: str = ""
    """The failure's first line."""
    load: float = 0.0
    """The machine's load over the last minute, when it failed."""


class Meter:
    """Adds to the report of a test's last phase how much processor time the test took."""

    def __init__(self) -> None:
        self._begun_s = 0.0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        """Note the time before the test's fixtures."""
        self._begun_s = _cpu_s()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add what has been used since."""
        report = yield
        report.user_properties.append((CPU, _cpu_s() - self._begun_s))
        return report


class Writer:
    """Adds a test's setup, call and teardown up, and writes them as one outcome."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._seconds: dict[str, float] = {}
        self._failures: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one phase of a test in."""
        name = report.nodeid
        self._seconds[name] = self._seconds.get(name, 0.0) + report.duration
        if report.failed:
            self._failures.setdefault(name, _first_line(report))
        # The last phase is the teardown, or one that is no phase: what xdist reports of a worker that died.
        if report.when not in ("setup", "call"):
            cpu_s = dict(report.user_properties).get(CPU, 0.0)
            self._write(name, float(str(cpu_s)), is_property="hypothesis" in report.keywords)

    def _write(self, name: str, cpu_s: float, *, is_property: bool) -> None:
        why = self._failures.pop(name, None)
        outcome = Outcome(
            name,
            failed=why is not None,
            seconds=round(self._seconds.pop(name, 0.0), 3),
            cpu_s=round(cpu_s, 3),
            is_property=is_property,
            why=why or "",
            load=0.0 if why is None else round(os.getloadavg()[0], 1),
        )
        self._file.write(msgspec.json.encode(outcome) + b"\n")


def read_outcomes(path: Path) -> list[Outcome]:
    """Read what the plugin wrote; empty where it wrote nothing."""
    return list(_records(path)) if path.exists() else []


def slowest(outcomes: Iterable[Outcome], count: int) -> list[Outcome]:
    """Give the tests that took longest, the longest first."""
    return sorted(outcomes, key=lambda outcome: -outcome.seconds)[:count]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the file's option."""
    parser.addoption("--outcomes", metavar="FILE", help="Write what became of each test to FILE.")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to measure, and to write unless this is one of xdist's workers."""
    config.pluginmanager.register(Meter(), "cpu-meter")
    path = config.getoption("--outcomes")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Writer(Path(path)), "outcomes")


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _records(path: Path) -> Iterator[Outcome]:
    for line in path.read_bytes().splitlines():
        yield msgspec.json.decode(line, type=Outcome)


def _first_line(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(report.longrepr) if crash is None else crash.message
    return next((line.strip() for line in text.splitlines() if line.strip()), "no reason given")[:200]
