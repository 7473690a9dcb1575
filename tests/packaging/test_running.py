"""The everyday run's own rules: what is tried again, what never is, and that nothing is hidden."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import grimp
import pytest

from tests.running import fresh
from tests.running.outcomes import Outcome, read_outcomes, slowest
from tests.running.patience import MOST, REFERENCE_S, factor
from tests.running.shared import made_once, run_folder
from tests.running.stages import LONG, PROCESS, QUICK_PROGRAMS, Stage, rank, stage_of
from tests.running.verdict import NEVER_TWICE, known_flakes, may_try_again, worth_trying_again
from tests.waiting import until

CHECKOUT = Path(__file__).resolve().parents[2]
FAILING = """
import os
from hypothesis import given, strategies as st

def test_passes(): pass
def test_fails(): assert 1 == 2, "one is not two"
def test_dies(): os._exit(3)
@given(st.integers())
def test_every_number_is_small(number): assert number < 100
"""


BARE = "-p no:hypothesispytest -p no:schemathesis -p no:anyio"
"""To import these takes longer than all else that a small run does."""


def failure(nodeid: str, *, is_property: bool = False) -> Outcome:
    return Outcome(nodeid, failed=True, seconds=1.0, is_property=is_property, why="why", load=9.0)


@pytest.mark.parametrize(
    ("nodeid", "stage"),
    [
        ("tests/bench/test_tap.py::test_a", Stage.LONG),
        ("tests/demo/test_demo.py::test_a", Stage.LONG),
        ("tests/demo/test_controller.py::test_a", Stage.PROCESS),
        ("tests/ledger/chain/test_chain.py::test_a[town]", Stage.PROCESS),
        ("tests/edge/visit/test_cards.py::test_a", Stage.PURE),
        ("tests/cloud_sync/rules/test_award_rules.py::test_a", Stage.PURE),
    ],
)
def test_a_tests_file_decides_its_stage(nodeid: str, stage: Stage) -> None:
    assert stage_of(nodeid) is stage


def test_every_name_of_the_tables_is_the_beginning_of_a_file_that_is_there() -> None:
    names = [str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / "tests").rglob("test_*.py")]
    assert names
    for beginning in (*LONG, *PROCESS, *NEVER_TWICE):
        assert any(name.startswith(beginning) for name in names), f"no test begins with {beginning}"


STARTING = ("subprocess", "multiprocessing", "playwright", "iotcore")
"""Libraries that start programs, or a server in threads of its own."""


SHARED = (
    "tests.conftest",
    "tests.running.__main__",
    "tests.running.changed",
    "tests.running.fresh",
    "tests.running.patience",
    "tests.running.purity",
)
"""What every test has, and the run itself."""


def test_a_test_that_starts_programs_is_not_pure() -> None:
    """The table of stages stands in place of folders called process/: this holds it complete."""
    graph = grimp.build_graph("tests", include_external_packages=True, cache_dir=None)
    for library in set(STARTING) & graph.modules:
        for shared in SHARED:
            graph.remove_import(importer=shared, imported=library)
    starting = set().union(*(graph.find_downstream_modules(name) for name in set(STARTING) & graph.modules))
    for path in sorted((CHECKOUT / "tests").rglob("test_*.py")):
        name = str(path.relative_to(CHECKOUT))
        module = name.removesuffix(".py").replace("/", ".")
        if name not in QUICK_PROGRAMS and module in starting:
            assert stage_of(name) is not Stage.PURE, (
                f"{name} starts programs: name it in tests/running/stages.py"
            )


PURE_CONFTEST = """
from tests.running.purity import Purity

def pytest_configure(config):
    config.pluginmanager.register(Purity())
"""
BESIDE = {
    "starts a thread": "threading.Thread(target=print).start()",
    "starts a program": "subprocess.run(['true'])",
    "opens a socket": "socket.create_connection(('127.0.0.1', 9))",
    "waits": "time.sleep(0)",
    "reads the real clock": "RealClock().now()",
}


@pytest.mark.parametrize("does", BESIDE)
def test_a_pure_test_is_refused_what_depends_on_the_rest_of_the_machine(tmp_path: Path, does: str) -> None:
    imports = "import socket, subprocess, threading, time\nfrom edge.loop.clocks import RealClock\n"
    # What the code under test catches must not hide it.
    body = f"{imports}\ndef test_it():\n    try:\n        {BESIDE[does]}\n    except Exception: pass\n"
    assert "passed" in run_at(tmp_path, "tests/station/test_it.py", body)
    refused = run_at(tmp_path, "tests/edge/visit/test_it.py", body)
    assert f"a pure test {does}" in refused


def run_at(folder: Path, file: str, source: str) -> str:
    """Run one test file that stands at this place; give what pytest says."""
    place = folder / file
    place.parent.mkdir(parents=True)
    place.write_text(source, encoding="utf-8")
    (folder / "conftest.py").write_text(PURE_CONFTEST, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    environment["PYTEST_ADDOPTS"] = f"{BARE} -p no:cacheprovider"
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", file]
    return subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True
    ).stdout


def test_a_busy_machine_may_fail_a_test_with_processes_once() -> None:
    assert may_try_again(failure("tests/station/test_install.py::test_a"))


@pytest.mark.parametrize(
    "failed",
    [
        failure("tests/station/test_install.py::test_a", is_property=True),
        failure("tests/soak/test_soak.py::test_a"),
        failure("tests/edge/journal/test_crash.py::test_a"),
        failure("tests/ledger/chain/test_chain.py::test_a[laptop]"),
        failure("tests/config/test_load.py::test_a"),
    ],
    ids=lambda outcome: outcome.nodeid,
)
def test_properties_crashes_money_and_pure_tests_are_never_tried_again(failed: Outcome) -> None:
    assert not may_try_again(failed)


def test_more_than_three_failures_or_one_that_counts_are_not_tried_again() -> None:
    one = failure("tests/station/test_install.py::test_a")
    assert worth_trying_again([one] * 3)
    assert not worth_trying_again([one] * 4)
    assert not worth_trying_again([one, failure("tests/soak/test_soak.py::test_a")])
    assert not worth_trying_again([])


def test_a_test_that_flaked_before_is_known() -> None:
    one, other = failure("tests/station/a.py::b"), failure("tests/station/a.py::c")
    assert known_flakes([one, other], {other.nodeid}) == [other]


def test_patience_grows_with_the_machines_slowness_and_has_an_end() -> None:
    assert factor([REFERENCE_S / 2] * 5) == 1.0
    assert factor([REFERENCE_S * 2] * 5) == 2.0
    assert factor([REFERENCE_S * 50] * 5) == MOST


@pytest.mark.parametrize("workers", ["0", "1"])
def test_the_report_names_each_test_its_failure_and_its_time(tmp_path: Path, workers: str) -> None:
    names = ["test_passes", "test_fails", "test_every_number_is_small"]
    if workers == "1":
        names.append("test_dies")  # in the process that writes the report nothing would be left to write it
    report = run_pytest(tmp_path, workers, names)
    found = {outcome.nodeid.partition("::")[2]: outcome for outcome in read_outcomes(report)}
    assert set(found) == set(names)
    assert not found["test_passes"].failed
    assert found["test_fails"].failed
    assert "one is not two" in found["test_fails"].why
    assert found["test_fails"].load > 0
    assert found["test_every_number_is_small"].cpu_s > 0
    assert found["test_every_number_is_small"].is_property
    assert not found["test_fails"].is_property
    if workers == "1":
        assert "crashed" in found["test_dies"].why


def run_pytest(folder: Path, workers: str, names: list[str]) -> Path:
    (folder / "test_some.py").write_text(FAILING, encoding="utf-8")
    report = folder / "report.jsonl"
    command = [sys.executable, "-m", "pytest", "-p", "tests.running.outcomes", "--outcomes", str(report)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    environment["PYTEST_ADDOPTS"] = "-p no:schemathesis -p no:anyio"
    environment.pop("PYTEST_XDIST_WORKER", None)
    subprocess.run(
        [*command, "-n", workers, *(f"test_some.py::{name}" for name in names)],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
    )
    return report


LOOKING = """
import os
from hypothesis import given, strategies as st

@given(st.integers())
def test_every_number_is_small(number): assert number < 100

@given(st.integers())
def test_every_number_is_one(number): assert number == number
"""


@pytest.mark.parametrize(("name", "status"), [("small", 1), ("one", 0)])
def test_a_fresh_seed_that_finds_something_is_printed_with_what_it_found(
    tmp_path: Path, name: str, status: int
) -> None:
    (tmp_path / "test_some.py").write_text(LOOKING, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(FRESH_PROFILE, encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.running.fresh",
            "2",
            f"test_some.py::test_every_number_is_{name}",
            "-n",
            "0",
        ],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT), "PYTEST_ADDOPTS": "-p no:schemathesis -p no:anyio"},
        capture_output=True,
        text=True,
        check=False,
    )
    found, nothing = done.stdout.count("FOUND SOMETHING"), done.stdout.count("nothing found")
    assert (done.returncode, found, nothing) == (status, 2 * status, 2 - 2 * status), done.stdout
    assert ("assert number < 100" in done.stdout) is bool(status)


FRESH_PROFILE = """
from hypothesis import settings

def pytest_configure(config):
    config.addinivalue_line("markers", "full: long runs")

settings.register_profile("fresh", database=None)
"""


class Seed:
    """A process that a seed is: it ends when it is told, or when it is interrupted."""

    def __init__(self, *, ends_by_itself: bool) -> None:
        self._over = threading.Event()
        self.returncode = fresh.INTERRUPTED
        if ends_by_itself:
            self.returncode = fresh.PASSED
            self._over.set()

    def communicate(self) -> tuple[str, None]:
        self._over.wait()
        return "", None

    def send_signal(self, number: int) -> None:
        assert number == signal.SIGINT
        self._over.set()


@pytest.mark.parametrize("ends_by_itself", [True, False])
def test_seeds_beside_the_tests_end_with_them(*, ends_by_itself: bool) -> None:
    begun: list[int] = []

    def begin(seed: int) -> Seed:
        begun.append(seed)
        return Seed(ends_by_itself=ends_by_itself and len(begun) < 3)

    seeds = fresh.FreshSeeds(begin)
    seeds.start()
    until(lambda: len(begun) == (3 if ends_by_itself else 1))
    seeds.stop(alone_s=0.01)
    seeds.stop(alone_s=0.01)
    assert (seeds.findings.finished, len(set(begun))) == ((2, 3) if ends_by_itself else (0, 1))


def test_the_longest_files_come_first_whatever_their_names() -> None:
    names = [*reversed(LONG), "tests/station/"]
    assert sorted(names, key=rank) == [*LONG, "tests/station/"]


def test_what_processes_of_a_run_share_is_made_by_the_first_and_copied_by_the_others(tmp_path: Path) -> None:
    def make(folder: Path) -> str:
        folder.mkdir()
        with made_once("thing", folder):
            thing = folder / "thing"
            was = thing.read_text("ascii") if thing.exists() else "none"
            thing.write_text(folder.name, "ascii")
        return was

    with run_folder():
        with pytest.raises(OSError, match="breaks off"), made_once("thing", tmp_path):
            raise OSError("it breaks off")
        assert [make(tmp_path / name) for name in ("first", "second", "third")] == ["none", "first", "first"]
    assert make(tmp_path / "alone") == "none"


FLAKY = """
from pathlib import Path

def test_fails_the_first_time():
    seen = Path("seen")
    was_there = seen.exists()
    seen.touch()
    assert was_there, "a bad minute"
"""
CONFTEST = """
from tests.running.stages import mark_stages

def pytest_collection_modifyitems(items):
    mark_stages(items)
"""


@pytest.fixture(name="flaky")
def flaky_project(tmp_path: Path) -> Path:
    """Give a folder whose one test, in the stage with processes, fails when it first runs."""
    (tmp_path / "tests/station").mkdir(parents=True)
    (tmp_path / "tests/conftest.py").write_text(CONFTEST, encoding="utf-8")
    (tmp_path / "tests/station/test_flaky.py").write_text(FLAKY, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n pure\n process\n long\n full\n", "utf-8")
    return tmp_path


def everyday(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_XDIST_WORKER")}
    here = {"PYTHONPATH": str(CHECKOUT), "XDG_STATE_HOME": str(folder / "state")}
    here["PYTEST_ADDOPTS"] = BARE
    return subprocess.run(
        [sys.executable, "-m", "tests.running", "-n", "0"],
        cwd=folder,
        env={**kept, **here, **environment},
        check=False,
        capture_output=True,
        text=True,
    )


def test_ci_forgives_a_bad_minute_says_so_and_forgives_the_same_test_no_second_time(flaky: Path) -> None:
    first = everyday(flaky, CI="1")
    told = "FLAKED tests/station/test_flaky.py::test_fails_the_first_time"
    assert first.returncode == 0, first.stdout
    assert told in first.stdout
    assert "a bad minute" in first.stdout
    (flaky / "seen").unlink()
    second = everyday(flaky, CI="1")
    assert second.returncode == 1
    assert "FLAKED before: tests/station/test_flaky.py" in second.stdout
    assert "FLAKED for the second time" in second.stdout


def test_a_person_hears_of_the_first_failure(flaky: Path) -> None:
    assert everyday(flaky).returncode == 1


def test_the_slowest_come_first() -> None:
    quick, slow = Outcome("quick", failed=False, seconds=0.1), Outcome("slow", failed=False, seconds=9.0)
    assert slowest([quick, slow], 1) == [slow]
