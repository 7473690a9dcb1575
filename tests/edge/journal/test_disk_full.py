"""A full disk: awards stop with a fault, no earlier record is lost, and all resumes by itself."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloud_sync.wire.envelope import EpochReceipt
from edge.faults import FaultCode
from edge.journal.backlog import LONGEST_PAUSE_S
from edge.messages import ChamberChanged, LidClosed, LidOpened, Prompt
from edge.ports import JournalError
from edge.sync.outbox import Outbox
from tests.edge.builders import WAITS, bin_rule, rules_of
from tests.edge.journal.checks import NOON, opened, sound, visit
from tests.edge.journal.dying import HAS_CALLS, NO_CALLS, Calls
from tests.edge.workbench import Bench, rows

A = "a" * 16


@dataclass
class Disk:
    """The disk as SQLite sees it."""

    is_full: bool = False

    def takes(self) -> bool:
        return not self.is_full


@pytest.fixture
def disk() -> Iterator[Disk]:
    if not HAS_CALLS:
        pytest.skip(NO_CALLS)
    made = Disk()
    calls = Calls(made.takes)
    yield made
    calls.undo()


def one_visit(bench: Bench) -> None:
    bench.tap()
    bench.station.run_pending()
    bench.inbox.post(LidOpened(bench.clock.at, "kitchen"))
    bench.inbox.post(ChamberChanged(bench.clock.at, "kitchen"))
    bench.pass_time(WAITS.lease_s)
    bench.inbox.post(LidClosed(bench.clock.at, "kitchen"))
    bench.pass_time(WAITS.linger_s + 1)


def test_a_full_disk_stops_awards_with_a_fault_and_they_resume_without_a_restart(
    tmp_path: Path, disk: Disk
) -> None:
    bench = Bench(tmp_path, rules_of(bin_rule()))
    one_visit(bench)
    disk.is_full = True
    one_visit(bench)
    one_visit(bench)
    assert bench.said()[3:] == [Prompt.WELCOME, Prompt.RIGHT, Prompt.SAVED_LATER] * 2
    assert {fault.code for fault in bench.station.state.faults} == {FaultCode.JOURNAL_FULL}
    assert rows(bench.journal_file, "awards") == 1
    disk.is_full = False
    bench.pass_time(LONGEST_PAUSE_S)
    assert bench.station.state.faults == frozenset()
    assert len(sound(tmp_path)) == 3, "a visit was lost to a disk that was full for a moment"
    one_visit(bench)
    assert bench.said()[-1] == Prompt.POINTS_HELD
    assert len(sound(tmp_path)) == 4
    bench.close()


def test_a_station_that_starts_on_a_full_disk_opens_lids_and_records_once_there_is_room(
    tmp_path: Path, disk: Disk
) -> None:
    disk.is_full = True
    bench = Bench(tmp_path, rules_of(bin_rule()))
    one_visit(bench)
    assert ("open", "kitchen", WAITS.lease_s) in bench.diary
    assert Prompt.SAVED_LATER in bench.said()
    disk.is_full = False
    bench.pass_time(LONGEST_PAUSE_S)
    one_visit(bench)
    assert bench.said()[-1] == Prompt.POINTS_HELD
    assert len(sound(tmp_path)) == 2
    bench.close()


def test_a_disk_that_sometimes_refuses_loses_no_award_and_reuses_no_sequence(
    tmp_path: Path, disk: Disk
) -> None:
    journal, rng, told = opened(tmp_path, A), random.Random(5), 0
    for number in range(200):
        disk.is_full = rng.random() < 0.4
        try:
            journal.record_visit(visit(2, who=f"card {number}"), NOON)
            told += 1
        except JournalError as error:
            assert "full" in str(error)  # noqa: PT017 (which of them fail, chance says)
    disk.is_full = False
    assert sound(tmp_path) == [(A, number + 1) for number in range(told)]
    assert 50 < told < 200
    journal.close()


def test_receipts_that_a_full_disk_refused_can_be_noted_later(tmp_path: Path, disk: Disk) -> None:
    journal = opened(tmp_path, A)
    for _ in range(5):
        journal.record_visit(visit(), NOON)
    outbox = Outbox(tmp_path)
    assert outbox.depth() == 5
    disk.is_full = True
    with pytest.raises(sqlite3.Error, match="full"):
        outbox.note_receipts([EpochReceipt(A, 3)])
    disk.is_full = False
    outbox.note_receipts([EpochReceipt(A, 3)])
    assert outbox.depth() == 2
    outbox.close()
    journal.close()


# --- a real small disk --------------------------------------------------------------------------

ON_A_SMALL_DISK = """
import os, sqlite3, sys
from pathlib import Path
from cloud_sync.wire.envelope import EpochReceipt
from edge.sync.outbox import Outbox
from edge.ports import JournalError
from tests.edge.journal.checks import NOON, opened, sound, visit

folder = Path(sys.argv[1])
(folder / "films").write_bytes(bytes(600_000))
journal, outbox, told = opened(folder / "state", "a" * 16), Outbox(folder / "state"), 0

def record(most):
    global told
    for number in range(most):
        try:
            journal.record_visit(visit(12, who=f"card {told}"), NOON)
        except JournalError as error:
            assert "full" in str(error), error
            return True
        told += 1
    return False

assert record(5_000), "the disk never was full"
first = told
assert record(1)
try:
    outbox.note_receipts([EpochReceipt("a" * 16, first)])
    print("receipt taken")
except sqlite3.Error as error:
    assert "full" in str(error), error
os.unlink(folder / "films")
assert not record(20), "there is room again"
outbox.note_receipts([EpochReceipt("a" * 16, first)])
assert outbox.depth() == 20, outbox.depth()
assert len(sound(folder / "state")) == told == first + 20
print("sound", first)
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Callable[[str], str]:
    """Run a program next to a file system of 1.5 MB; return what it prints."""
    unshare = shutil.which("unshare")
    enter = [unshare or "unshare", "--map-root-user", "--mount"]
    if unshare is None or subprocess.run([*enter, "true"], capture_output=True, check=False).returncode:
        pytest.skip(
            "this machine lets nobody mount in a namespace of his own (unshare --map-root-user --mount)"
        )

    def run(program: str) -> str:
        script = 'mount -t tmpfs -o size=1500k small "$1" && exec "$2" -c "$3" "$1"'
        command = [*enter, "sh", "-c", script, "sh", str(tmp_path), sys.executable, program]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_a_real_disk_that_fills_up_loses_nothing_and_serves_again(small_disk: Callable[[str], str]) -> None:
    assert "sound" in small_disk(ON_A_SMALL_DISK)
