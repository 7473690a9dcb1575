"""Kill the station in the middle of its writing: the journal opens again, and nothing in it is half-done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.edge.journal_checks import sound

WRITER = """
import sys
from itertools import count
from pathlib import Path
from tests.edge.journal_checks import ALARM, NOON, opened, visit

journal = opened(Path(sys.argv[1]), sys.argv[2])
for number in count():
    journal.record_visit(visit(3, who=f"card {number}"), NOON)
    print(number + 1, flush=True)
"""


def write_and_kill(folder: Path, epoch: str, after: int) -> int:
    """Have another process record visits and kill it once it told of `after`; give how many it told of."""
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
def test_a_killed_station_keeps_every_visit_it_told_of_whole(tmp_path: Path, after: int) -> None:
    told = write_and_kill(tmp_path, "a" * 16, after)
    kept = sound(tmp_path)
    assert len(kept) in {told, told + 1}  # one may have reached the disk without being told
    assert kept == [("a" * 16, number + 1) for number in range(len(kept))]


def test_a_station_killed_again_and_again_never_gives_a_number_twice(tmp_path: Path) -> None:
    told = sum(write_and_kill(tmp_path, epoch * 16, 8) for epoch in "abc")
    kept = sound(tmp_path)
    assert len(set(kept)) == len(kept) >= told
    assert {epoch for epoch, _ in kept} == {"a" * 16, "b" * 16, "c" * 16}
