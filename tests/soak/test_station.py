"""The soak's station: it tells what it has kept, its calendar can be moved, and it is a station."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from edge.journal_tables import JOURNAL_FILE
from edge.ports import JournalError
from edge.sim.timeline import VirtualClock
from scripts.soak.hearing import Hearing, hearing
from scripts.soak.station import LIDS_TOLD_EVERY, Lids, SteppedClock, TellingJournal, tell, townspeople
from tests.edge.journal_checks import ALARM, NOON, opened, visit

EPOCH = "a" * 16
START_S = 1_767_225_600.0


@pytest.fixture
def clock(tmp_path: Path) -> SteppedClock:
    return SteppedClock(VirtualClock(START_S), tmp_path / "north.clock")


def test_a_calendar_that_nobody_moved_is_the_clocks(clock: SteppedClock) -> None:
    assert (clock.now(), clock.wall().unix_s, clock.wall().trusted) == (0.0, START_S, True)


@pytest.mark.parametrize(
    ("step_s", "unix_s", "trusted"),
    [(3600.0, START_S + 3600, True), (-3600.0, START_S - 3600, True), (-60 * 365 * 86_400.0, 0.0, False)],
)
def test_a_moved_calendar_is_believed_unless_it_is_years_behind(
    clock: SteppedClock, tmp_path: Path, step_s: float, unix_s: float, *, trusted: bool
) -> None:
    (tmp_path / "north.clock").write_text(str(step_s))
    assert (clock.wall().unix_s, clock.wall().trusted) == (unix_s, trusted)
    assert clock.now() == 0.0


@contextmanager
def telling(folder: Path) -> Iterator[tuple[TellingJournal, Hearing]]:
    journal = opened(folder, EPOCH)
    with hearing() as heard:
        yield TellingJournal(journal, EPOCH, "north", heard.pipe, every_s=0.0), heard
    journal.close()


def test_every_record_is_told_with_its_number_and_points(tmp_path: Path) -> None:
    with telling(tmp_path) as (journal, heard):
        journal.record_visit(visit(2), NOON)
        journal.record_alarm(ALARM, NOON)
        journal.record_visit(visit(1), NOON)
    assert heard.told == {("north", EPOCH, 1): 2, ("north", EPOCH, 2): 0, ("north", EPOCH, 3): 1}


def test_a_record_that_the_disk_refused_is_not_told_and_takes_no_number(tmp_path: Path) -> None:
    with telling(tmp_path) as (journal, heard):
        journal.record_visit(visit(), NOON)
        with closing(sqlite3.connect(tmp_path / JOURNAL_FILE)) as other:
            other.execute("ALTER TABLE records RENAME TO elsewhere")
            with pytest.raises(JournalError):
                journal.record_visit(visit(), NOON)
            other.execute("ALTER TABLE elsewhere RENAME TO records")
        journal.record_visit(visit(), NOON)
    assert list(heard.told) == [("north", EPOCH, 1), ("north", EPOCH, 2)]


def test_lids_are_looked_at_now_and_then(tmp_path: Path) -> None:
    looks: list[int] = []
    with telling(tmp_path) as (journal, _):
        journal.look_at_lids = lambda: looks.append(journal.sequence)
        for _ in range(2 * LIDS_TOLD_EVERY):
            journal.record_alarm(ALARM, NOON)
    assert looks == [LIDS_TOLD_EVERY, 2 * LIDS_TOLD_EVERY]


def test_the_longest_drive_beyond_a_lease_is_the_one_that_counts() -> None:
    with hearing() as heard:
        for beyond_s in (0.0, 0.7, 0.2):
            tell(heard.pipe, Lids("north", beyond_s))
    assert heard.beyond_lease_s == 0.7


def test_the_townspeople_are_the_same_in_every_process() -> None:
    assert townspeople(b"k" * 32, 30) == townspeople(b"k" * 32, 30)
    assert len(townspeople(b"k" * 32, 30).residents) == 30
