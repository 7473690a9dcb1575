"""Kill the station while it writes: the journal opens again, and nothing in it is half-done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cloud_sync.wire.envelope import EpochReceipt
from edge.journal.salvage import salvage
from edge.journal.schema import JOURNAL_FILE
from edge.sync.outbox import Outbox
from tests.edge.journal.checks import NOON, opened, sound, visit
from tests.edge.journal.dying import HAS_CALLS, NO_CALLS
from tests.edge.workbench import by_hand

WRITER = """
import sys
from itertools import count
from pathlib import Path
from tests.edge.journal.checks import ALARM, NOON, opened, visit

journal = opened(Path(sys.argv[1]), sys.argv[2])
for number in count():
    journal.record_visit(visit(3, who=f"card {number}"), NOON)
    print(number + 1, flush=True)
"""


def write_and_kill(folder: Path, epoch: str, after: int) -> int:
    """Have another process record visits, kill it once it reported `after`; return how many it reported."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder), epoch], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    told = 0
    for line in writer.stdout:
        told = int(line)
        if told == after:
            writer.kill()
    assert writer.wait() == -9
    writer.stdout.close()
    return told


@pytest.mark.parametrize("after", [1, 80])
def test_a_killed_station_keeps_every_visit_it_reported_whole(tmp_path: Path, after: int) -> None:
    told = write_and_kill(tmp_path, "a" * 16, after)
    kept = sound(tmp_path)
    assert len(kept) in {told, told + 1}  # one may have reached the disk without being told
    assert kept == [("a" * 16, number + 1) for number in range(len(kept))]


def test_a_station_killed_again_and_again_never_reuses_a_sequence(tmp_path: Path) -> None:
    told = sum(write_and_kill(tmp_path, epoch * 16, 8) for epoch in "abc")
    kept = sound(tmp_path)
    assert len(set(kept)) == len(kept) >= told
    assert {epoch for epoch, _ in kept} == {"a" * 16, "b" * 16, "c" * 16}


# --- at every write -----------------------------------------------------------------------------

MOST_CALLS = 280
EVERYDAY = [*range(1, 40, 4), *range(40, MOST_CALLS, 13)]
MEMORY = Path("/dev/shm")  # noqa: S108 (a kill leaves there what it leaves on a disk, and no write is slow)


def die_at(root: Path, calls: list[int]) -> dict[int, int]:
    """Run one child for each write to be killed at; return how each ended."""
    program = "from tests.edge.journal.dying import main; main()"
    command = [sys.executable, "-c", program, str(root), *map(str, calls)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=600)
    return {int(call): int(status) for call, status in (line.split() for line in done.stdout.splitlines())}


def survives(folder: Path) -> None:
    """Open a killed station's journal, check it, and go on with it."""
    told_file = folder.with_name(f"{folder.name}.told")
    told = len(told_file.read_bytes()) if told_file.exists() else 0
    journal = opened(folder)
    journal.record_visit(visit(), NOON)
    assert journal.mended is None
    outbox = Outbox(folder)
    while outbox.prune():
        pass
    kept = {record.named() for record in salvage(folder / JOURNAL_FILE).records}
    earlier = sorted(name.sequence for name in kept if name.epoch != journal.epoch)
    seen = by_hand(
        folder / JOURNAL_FILE, "SELECT coalesce(max(sequence), 0) FROM outbox WHERE epoch LIKE 'a%'"
    )
    # The alarm is the seventh event; what was receipted long ago may have been forgotten in between.
    assert int(str(seen[0][0])) >= (told + 1 if told == 7 else told)
    assert earlier == sorted(set(earlier))
    assert by_hand(folder / JOURNAL_FILE, "PRAGMA integrity_check") == [("ok",)]
    outbox.note_receipts([EpochReceipt("a" * 16, 8), EpochReceipt(journal.epoch, 1)])
    assert outbox.depth() == 0
    outbox.close()
    journal.close()


@pytest.mark.skipif(not HAS_CALLS, reason=NO_CALLS)
@pytest.mark.parametrize(
    "calls", [EVERYDAY, pytest.param(list(range(1, MOST_CALLS)), marks=pytest.mark.full)]
)
def test_a_station_killed_at_any_write_loses_no_visit_that_it_reported(calls: list[int]) -> None:
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as root:
        check_deaths(Path(root), calls)


def check_deaths(root: Path, calls: list[int]) -> None:
    ended = die_at(root, calls)
    assert set(ended) == set(calls)
    assert ended[calls[0]] == -9
    assert ended[calls[-1]] == 0, "the work has more writes than were tried"
    killed = [call for call, status in ended.items() if status == -9]
    assert len(killed) > len(calls) // 4
    for call in killed:
        survives(root / str(call))
