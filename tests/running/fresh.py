"""Runs the property tests with seeds that nobody has seen: `python -m tests.running.fresh COUNT`.

What they find is printed with its seed. `FreshSeeds` does the same beside the everyday run, on processor time
that its tests leave, and turns nothing red.
"""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from click import echo

ALONE_S = 90.0
"""How long a first seed goes on after the other tests have ended."""
NICEST = 19
PASSED, INTERRUPTED, NOTHING_TO_RUN = 0, 2, 5
"""Pytest's exit statuses."""
MOST_SEED = 1 << 30


@dataclass
class Findings:
    """What seeds found, and how many were tried to their end."""

    finished: int = 0
    reports: dict[int, str] = field(default_factory=dict)
    """What pytest printed, by the seed that found something."""

    def tell(self) -> None:
        """Print what was found, each with the command that finds it again."""
        for seed, report in self.reports.items():
            again = f"scripts/test --quick --hypothesis-profile=fresh --hypothesis-seed={seed}"
            echo(f"\n=== seed {seed}: {again}\n{report}")
        if self.reports:
            echo(f"tongzhan: fresh seeds that found something: {' '.join(map(str, self.reports))}")


def begin(seed: int, arguments: Sequence[str], nice: int = 0) -> subprocess.Popen[str]:
    """Start the property tests with this seed."""
    command = ["nice", "-n", str(nice), sys.executable, "-m", "pytest", "-n", "2", "-q"]
    command += ["-m", "hypothesis and not full", "-p", "no:cacheprovider"]
    command += ["--hypothesis-profile=fresh", f"--hypothesis-seed={seed}"]
    command += arguments or property_files()
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def begin_nicely(seed: int) -> subprocess.Popen[str]:
    """Start the property tests with this seed, at the lowest priority."""
    return begin(seed, (), nice=NICEST)


class SeedProcess(Protocol):
    """What is used of a seed's process."""

    returncode: int

    def communicate(self) -> tuple[str, str | None]:
        """Wait for its end; give what it printed."""
        ...

    def send_signal(self, sig: int, /) -> None:
        """Interrupt it."""
        ...


class FreshSeeds:
    """One seed after another beside other tests, at the lowest priority."""

    def __init__(self, begin: Callable[[int], SeedProcess] = begin_nicely) -> None:
        """Try seeds in processes that `begin` starts."""
        self.findings = Findings()
        self._begin = begin
        self._is_over = False
        self._running: SeedProcess | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="fresh seeds")

    def start(self) -> None:
        """Begin with the first seed, where there are property tests."""
        if property_files():
            self._thread.start()

    def stop(self, alone_s: float = ALONE_S) -> None:
        """End the seed at work, but let the first go on for up to `alone_s` seconds."""
        with self._lock:
            self._is_over = True
        if self._thread.ident is None:
            return
        if self.findings.finished == 0:
            self._thread.join(alone_s)
        with self._lock:
            if self._running is not None:
                self._running.send_signal(signal.SIGINT)
        self._thread.join()

    def _run(self) -> None:
        while (begun := self._next()) is not None:
            seed, process = begun
            report, _ = process.communicate()
            with self._lock:
                self._running = None
            take(self.findings, seed, process.returncode, report)

    def _next(self) -> tuple[int, SeedProcess] | None:
        with self._lock:
            if self._is_over:
                return None
            seed = random.randrange(MOST_SEED)
            self._running = self._begin(seed)
            return seed, self._running


def take(findings: Findings, seed: int, status: int, report: str) -> None:
    """Keep what a seed found, and say what became of it."""
    # An interrupted run may have found something before.
    if "\nFAILED " in report or status not in (PASSED, INTERRUPTED, NOTHING_TO_RUN):
        findings.reports[seed] = report
        said = "FOUND SOMETHING, printed at the end"
    else:
        said = "not finished" if status == INTERRUPTED else "nothing found"
    findings.finished += status != INTERRUPTED
    echo(f"tongzhan: seed {seed}: {said}")


def property_files() -> list[str]:
    """Name the files with property tests: to collect all others takes longer than many a property."""
    imports = re.compile(r"^(from|import) hypothesis", re.MULTILINE)
    files = sorted(Path("tests").rglob("test_*.py"))
    return [str(file) for file in files if imports.search(file.read_text(encoding="utf-8"))]


def main(arguments: list[str]) -> int:
    """Try as many seeds as the first argument says; 1 if any of them found something."""
    count, *others = arguments
    findings = Findings()
    for _ in range(int(count)):
        seed = random.randrange(MOST_SEED)
        process = begin(seed, others)
        report, _ = process.communicate()
        take(findings, seed, process.returncode, report)
    findings.tell()
    return int(bool(findings.reports))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
