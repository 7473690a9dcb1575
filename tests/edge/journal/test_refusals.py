"""Why a journal refuses: each cause has its own fault, keeps no lid shut, and ends when it is fixed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cloud_sync.wire.facts import Role
from config.reading.files import SpecialFileError
from edge.faults import FaultCode
from edge.journal.backlog import LONGEST_PAUSE_S
from edge.journal.refusals import fault_of
from edge.journal.salvage import salvage
from edge.journal.schema import JOURNAL_FILE, ForeignError, LayoutError, connect, open_journal
from edge.journal.store import SqliteJournal
from edge.loop.clocks import RealClock
from edge.loop.journal_client import JOURNAL_LATE_S, JOURNAL_REFUSED_S
from edge.loop.station import FIRST_READ_S
from edge.loop.workers import ThreadWorkers
from edge.messages import ChamberChanged, LidClosed, LidOpened, Prompt
from edge.ports import JournalError
from edge.roster import CardState, RosterEntry
from edge.sync.outbox import Outbox
from tests.edge.builders import RULES, WAITS, bin_rule, card, rules_of
from tests.edge.journal.checks import NOON, SHANGHAI, opened, sound, visit
from tests.edge.workbench import Bench, HandClock, by_hand, rows
from tests.waiting import until

OPENED = ("open", "kitchen", WAITS.lease_s)
AGAIN_S = LONGEST_PAUSE_S + JOURNAL_REFUSED_S


def faults(bench: Bench) -> set[FaultCode]:
    return {fault.code for fault in bench.station.state.faults}


def serve(bench: Bench, who: str = "zhang") -> None:
    """Let a resident throw one thing in; the lid has shut when this returns."""
    bench.tap(who)
    bench.station.run_pending()
    bench.inbox.post(LidOpened(bench.clock.at, "kitchen"))
    bench.inbox.post(ChamberChanged(bench.clock.at, "kitchen"))
    bench.pass_time(WAITS.lease_s)
    bench.inbox.post(LidClosed(bench.clock.at, "kitchen"))
    bench.station.run_pending()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def benches() -> Iterator[list[Bench]]:
    made: list[Bench] = []
    yield made
    for bench in made:
        bench.close()


def start(benches: list[Bench], folder: Path) -> Bench:
    journal = SqliteJournal(folder, "a" * 16, RULES, SHANGHAI, ("lane", "gate"))
    benches.append(Bench(folder, rules_of(bin_rule()), journal=journal))
    return benches[-1]


def served_and_told(bench: Bench, fault: FaultCode) -> None:
    """Check that the fault shows from the start, a resident is served, and the visit waits."""
    bench.pass_time(1)
    assert faults(bench) == {fault}
    assert [one.code for one in bench.shown().faults] == [fault]
    serve(bench)
    assert OPENED in bench.diary
    bench.pass_time(WAITS.record_s)
    assert bench.said()[-1] == Prompt.SAVED_LATER
    assert faults(bench) == {fault}, "one cause, one fault"


def well_again(bench: Bench, folder: Path) -> None:
    bench.pass_time(AGAIN_S)
    assert faults(bench) == set()
    assert len(sound(folder)) == 1, "what was thrown in meanwhile is kept, once"


def test_a_pipe_in_the_journals_place_is_a_fault_at_once_and_a_journal_is_made_when_it_is_gone(
    folder: Path, benches: list[Bench]
) -> None:
    folder.mkdir()
    os.mkfifo(folder / JOURNAL_FILE)
    bench = start(benches, folder)
    served_and_told(bench, FaultCode.JOURNAL_MISPLACED)
    (folder / JOURNAL_FILE).unlink()
    well_again(bench, folder)


@pytest.mark.parametrize("tail", ["-wal", "-shm"])
def test_a_pipe_in_the_place_of_the_log_is_refused_too(folder: Path, tail: str) -> None:
    opened(folder).close()
    os.mkfifo(folder / f"{JOURNAL_FILE}{tail}")
    with pytest.raises(SpecialFileError, match="named pipe"):
        connect(folder / JOURNAL_FILE)


def test_no_reader_of_a_journal_blocks_on_a_pipe(folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / JOURNAL_FILE)
    with pytest.raises(SpecialFileError):
        salvage(folder / JOURNAL_FILE)
    with pytest.raises(SpecialFileError):
        open_journal(folder)
    with pytest.raises(SpecialFileError):
        Outbox(folder).depth()


def test_another_stations_journal_is_a_fault_of_its_own_until_it_is_gone(
    folder: Path, benches: list[Bench], tmp_path: Path
) -> None:
    other = start(benches, tmp_path / "other")
    other.station.run_pending()
    serve(other)
    shutil.copytree(tmp_path / "other", folder)
    by_hand(folder / JOURNAL_FILE, "UPDATE owner SET station = 'harbour'")
    bench = start(benches, folder)
    served_and_told(bench, FaultCode.JOURNAL_FOREIGN)
    bench.journal.inner.close()
    for part in folder.glob(f"{JOURNAL_FILE}*"):
        part.unlink()
    well_again(bench, folder)


def test_a_newer_programs_journal_is_a_fault_of_its_own_until_it_is_gone(
    folder: Path, benches: list[Bench]
) -> None:
    opened(folder).close()
    by_hand(folder / JOURNAL_FILE, "PRAGMA user_version = 9")
    bench = start(benches, folder)
    served_and_told(bench, FaultCode.JOURNAL_NEWER)
    by_hand(folder / JOURNAL_FILE, "PRAGMA user_version = 2")
    well_again(bench, folder)


def test_a_full_disk_is_a_fault_of_its_own_until_there_is_room(folder: Path, benches: list[Bench]) -> None:
    bench = start(benches, folder)
    bench.journal.is_full, bench.journal.fault = True, FaultCode.JOURNAL_FULL
    served_and_told(bench, FaultCode.JOURNAL_FULL)
    bench.journal.is_full = False
    well_again(bench, folder)


def test_a_new_cause_replaces_the_one_before(folder: Path, benches: list[Bench]) -> None:
    bench = start(benches, folder)
    bench.journal.is_full, bench.journal.fault = True, FaultCode.JOURNAL_FULL
    bench.pass_time(1)
    assert faults(bench) == {FaultCode.JOURNAL_FULL}
    bench.journal.fault = FaultCode.JOURNAL_FAILED
    bench.pass_time(AGAIN_S)
    assert faults(bench) == {FaultCode.JOURNAL_FAILED}


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (OSError(28, "No space left on device"), FaultCode.JOURNAL_FULL),
        (OSError(30, "Read-only file system"), FaultCode.JOURNAL_FAILED),
        (SpecialFileError(Path("journal"), "socket"), FaultCode.JOURNAL_MISPLACED),
        (LayoutError(9), FaultCode.JOURNAL_NEWER),
        (ForeignError(("a", "b"), ("a", "c")), FaultCode.JOURNAL_FOREIGN),
        (sqlite3.OperationalError("disk I/O error"), FaultCode.JOURNAL_FAILED),
        (ValueError("a word of a newer roster"), FaultCode.JOURNAL_FAILED),
    ],
)
def test_each_cause_has_its_fault(error: Exception, fault: FaultCode) -> None:
    assert fault_of(error) is fault


def test_sqlites_disk_full_error_is_a_full_disk(folder: Path) -> None:
    journal = opened(folder)
    by_hand(folder / JOURNAL_FILE, "PRAGMA user_version")
    journal._database.execute("PRAGMA max_page_count=1")  # type: ignore[union-attr]  # noqa: SLF001 (no other seam)

    def fill() -> None:
        for number in range(100):
            journal.record_visit(visit(12, who=f"card {number}"), NOON)

    with pytest.raises(JournalError) as refusal:
        fill()
    assert refusal.value.fault is FaultCode.JOURNAL_FULL
    journal.close()


# --- a disk that hangs --------------------------------------------------------------------------


class HangingJournal:
    """A journal whose disk does not answer until `answers` is set."""

    def __init__(self, inner: SqliteJournal) -> None:
        self._inner = inner
        self.answers = threading.Event()

    def __getattr__(self, name: str) -> object:
        def call(*values: object) -> object:
            self.answers.wait()
            return getattr(self._inner, name)(*values)

        return call


class Hanging(Bench):
    """A station with real threads and test-driven time, whose disk hangs from the start."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, rules_of(bin_rule()), clock=HandClock(), workers=ThreadWorkers)
        self.disk = HangingJournal(self.journal.inner)
        self.journal.inner = self.disk  # type: ignore[assignment]

    @property
    def time(self) -> HandClock:
        clock = self.parts.clock
        assert isinstance(clock, HandClock)
        return clock

    def wait(self, seconds: float) -> None:
        self.time.at += seconds
        self.station.run_pending()

    def shown_codes(self) -> list[str]:
        """Return the panel's faults, which another thread writes at its own pace."""
        return [one.code for one in self.shown().faults] if self.is_shown() else []


@pytest.fixture
def hanging(folder: Path) -> Iterator[Hanging]:
    made = Hanging(folder)
    yield made
    made.disk.answers.set()
    made.close()


def test_a_hanging_disk_keeps_no_lid_shut_and_visits_are_written_once_it_answers(
    hanging: Hanging, folder: Path
) -> None:
    hanging.station.run_pending()
    hanging.tap()
    hanging.station.run_pending()
    assert OPENED not in hanging.diary, "a card that may be blocked waits for the first read"
    hanging.wait(FIRST_READ_S)
    assert OPENED in hanging.diary
    hanging.inbox.post(LidOpened(hanging.time.at, "kitchen"))
    hanging.station.run_pending()
    hanging.wait(WAITS.lease_s)
    hanging.inbox.post(LidClosed(hanging.time.at, "kitchen"))
    hanging.station.run_pending()
    hanging.wait(JOURNAL_LATE_S)
    assert faults(hanging) == {FaultCode.JOURNAL_SILENT}
    until(lambda: hanging.shown_codes() == ["journal_silent"], "the panel shows it")
    hanging.wait(WAITS.record_s)
    hanging.wait(WAITS.record_s)
    hanging.disk.answers.set()

    def is_well() -> bool:
        hanging.wait(1)
        return not hanging.station.state.faults and rows(folder / JOURNAL_FILE, "visits") == 1

    until(is_well, "the fault's end, and the visit in the journal")
    assert len(sound(folder)) == 1


def test_a_card_that_is_tapped_before_the_first_read_opens_once_it_is_known_not_to_be_blocked(
    hanging: Hanging, folder: Path
) -> None:
    blocked: Mapping[str, RosterEntry] = {card("thief"): RosterEntry(CardState.BLOCKED, Role.RESIDENT)}
    outbox = Outbox(folder)
    outbox.replace_roster(blocked)
    outbox.close()
    hanging.station.run_pending()
    hanging.tap("thief", "at-other")
    hanging.tap("zhang")
    hanging.station.run_pending()
    hanging.disk.answers.set()

    def is_served() -> bool:
        hanging.wait(0.01)
        return OPENED in hanging.diary

    until(is_served, "the lid opens for the card that is not blocked")
    assert hanging.diary.count(OPENED) == 1


def test_a_station_whose_disk_hangs_stops_within_its_time_and_names_what_is_lost(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(folder, rules_of(bin_rule()), clock=RealClock(), workers=ThreadWorkers)
    disk = HangingJournal(bench.journal.inner)
    bench.journal.inner = disk  # type: ignore[assignment]
    try:
        loop = threading.Thread(target=bench.station.run)
        loop.start()
        bench.station.stop()
        loop.join(60)
        assert not loop.is_alive(), "nothing is under way, so it ends at once"
        assert isinstance(bench.workers, ThreadWorkers)
        bench.workers.stop(0.1)
        assert "still at work after 0.1 s, and left behind: journal" in caplog.text
    finally:
        disk.answers.set()
        bench.workers.stop()
