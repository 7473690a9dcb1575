"""The everyday run: `python -m tests.running [--mypy]`, three stages with a report of their own each.

mypy runs beside the pure tests. Beside the others run property tests with fresh seeds, at lowest priority,
in the time that tests with processes leave.

With CI set, a test that failed in a stage with processes is run once more, alone. A run that is green only
by that says FLAKED and keeps it, and the next run of this machine prints it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from click import echo

from tests.running.fresh import Findings, FreshSeeds
from tests.running.outcomes import Outcome, read_outcomes, slowest
from tests.running.patience import measure_patience
from tests.running.shared import run_folder
from tests.running.stages import Stage
from tests.running.verdict import known_flakes, worth_trying_again

REPORTS = Path("build/tests")
SHOWN = 30
"""How many of the slowest tests the run ends with."""
SOME_FAILED, NOTHING_TO_RUN = 1, 5
"""Pytest's exit statuses."""
MARKS = {
    Stage.PURE: "not full and not process and not long",
    Stage.PROCESS: "not full and process",
    Stage.LONG: "not full and long",
}
STEAL = ("--dist", "worksteal")
"""A worker takes tests in a row, so that what the tests of a file share is made in few workers."""
BY_FILE = ("--dist", "loadfile", "--no-loadscope-reorder")
"""A worker takes a whole file, in the order of LONG: what the file's tests look at is started once."""
SPREAD = {
    Stage.PURE: ("-n", "2", *STEAL),
    Stage.PROCESS: ("-n", "4", *STEAL),
    Stage.LONG: ("-n", "3", *BY_FILE),
}
"""Tests with processes wait for much of their time: four of them keep two cores at work."""
BUSY = (Stage.PROCESS, Stage.LONG)
MYPY = "--mypy"


def main(arguments: list[str]) -> int:
    """Run all stages; 0 if every test passed, or passed when it was tried again."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    os.environ["TONGZHAN_PATIENCE"] = str(measure_patience())
    echo(f"tongzhan: tests wait {os.environ['TONGZHAN_PATIENCE']} times as long as on an idle machine")
    flakes = Flakes(_history_file())
    pytest_arguments = [argument for argument in arguments if argument != MYPY]
    with _types_checked(wanted=MYPY in arguments) as are_right:
        is_green = _run_stage(Stage.PURE, pytest_arguments, flakes)
    if not are_right():
        echo("tongzhan: error: mypy failed", err=True)
        return 1
    with run_folder(), _fresh_seeds() as findings:
        # Every stage runs, whatever became of the one before.
        green = [is_green, *(_run_stage(stage, pytest_arguments, flakes) for stage in BUSY)]
    _print_slowest()
    for flake in flakes.forgiven:
        echo(f"FLAKED {_told(flake)}")
    findings.tell()
    return 0 if all(green) else 1


@contextmanager
def _fresh_seeds() -> Iterator[Findings]:
    """Try fresh seeds meanwhile."""
    seeds = FreshSeeds()
    seeds.start()
    try:
        yield seeds.findings
        echo("tongzhan: the tests are over; a first fresh seed may go on for a while")
        seeds.stop()
    finally:
        seeds.stop(alone_s=0)


@contextmanager
def _types_checked(*, wanted: bool) -> Iterator[Callable[[], bool]]:
    """Run mypy meanwhile, then print what it said. Give a function that tells whether all was right."""
    if not wanted:
        yield lambda: True
        return
    mypy = subprocess.Popen(
        [sys.executable, "-m", "mypy"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield lambda: mypy.returncode == 0
        said, _ = mypy.communicate()
        echo(f"tongzhan: mypy\n{said}")
    finally:
        mypy.kill()
        mypy.wait()


class Flakes:
    """Tests that failed and then passed: of earlier runs, from a file of this machine, and of this one."""

    def __init__(self, path: Path) -> None:
        """Read what earlier runs kept, and tell it."""
        self._path = path
        self.earlier = read_outcomes(path)
        self.forgiven: list[Outcome] = []
        for flake in self.earlier:
            echo(f"FLAKED before: {_told(flake)}  (kept in {path})")

    def may_forgive(self, failures: list[Outcome]) -> bool:
        """Tell whether trying these once more can make the run green."""
        if not worth_trying_again([*self.forgiven, *failures]):
            return False
        again = known_flakes(failures, {flake.nodeid for flake in self.earlier})
        for flake in again:
            echo(f"FLAKED for the second time: {_told(flake)}")
        return not again

    def forgive(self, failure: Outcome) -> None:
        """Keep a failure that did not come again."""
        self.forgiven.append(failure)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(failure) + b"\n")


def _run_stage(stage: Stage, arguments: list[str], flakes: Flakes) -> bool:
    echo(f"tongzhan: pytest, stage {stage}")
    report = REPORTS / f"{stage}.jsonl"
    report.unlink(missing_ok=True)
    alone = ["-p", "tests.running.collecting", "--stage", stage]
    status = _pytest([*alone, *SPREAD[stage], "-m", MARKS[stage], *arguments], report)
    if status in (0, NOTHING_TO_RUN):
        return True
    failures = [outcome for outcome in read_outcomes(report) if outcome.failed]
    if status != SOME_FAILED or "CI" not in os.environ or not flakes.may_forgive(failures):
        return False
    return all(_passes_alone(failure, flakes) for failure in failures)


def _passes_alone(failure: Outcome, flakes: Flakes) -> bool:
    echo(f"tongzhan: once more, alone: {failure.nodeid}")
    if _pytest(["-n", "0", failure.nodeid], REPORTS / "again.jsonl") != 0:
        return False
    flakes.forgive(failure)
    return True


def _pytest(arguments: list[str], report: Path) -> int:
    command = [sys.executable, "-m", "pytest", "-p", "tests.running.outcomes", "--outcomes", str(report)]
    return subprocess.run([*command, *arguments], check=False).returncode


def _print_slowest() -> None:
    outcomes = [one for stage in Stage for one in read_outcomes(REPORTS / f"{stage}.jsonl")]
    for outcome in slowest(outcomes, SHOWN):
        echo(f"{outcome.seconds:8.1f} s  {outcome.nodeid}")


def _history_file() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(state, "tongzhan", "flaked.jsonl")


def _told(flake: Outcome) -> str:
    return f"{flake.nodeid}: {flake.why} (load {flake.load})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
