"""A disk that refuses for a while: records wait in memory, in order, and are stored once."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from edge.faults import FaultCode
from edge.journal.backlog import ALARM_ROOM, LONGEST_PAUSE_S, ROOM, Backlog, Entry
from edge.journal.schema import JOURNAL_FILE, LOCK_FILE, alone
from edge.journal.store import SqliteJournal
from edge.loop.journal_client import JOURNAL_REFUSED_S
from edge.messages import ChamberChanged, FaultRaised, LidClosed, LidOpened, Prompt
from edge.ports import JournalError
from edge.visit.recording import MOMENT_S
from tests.edge.builders import WAITS, bin_rule, rules_of
from tests.edge.journal.checks import ALARM, NOON, at, opened, sound, visit
from tests.edge.workbench import Bench, HandClock, NotingJournal, by_hand, rows
from tests.waiting import COMMAND_WITHIN_S


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, rules_of(bin_rule()))
    yield made
    made.close()


def one_visit(bench: Bench, who: str = "zhang") -> None:
    """Let a resident throw one thing in; the lid has shut when this returns."""
    bench.tap(who)
    bench.station.run_pending()
    bench.inbox.post(LidOpened(bench.clock.at, "kitchen"))
    bench.inbox.post(ChamberChanged(bench.clock.at, "kitchen"))
    bench.pass_time(WAITS.lease_s)
    bench.inbox.post(LidClosed(bench.clock.at, "kitchen"))
    bench.station.run_pending()


def faults(bench: Bench) -> set[FaultCode]:
    return {fault.code for fault in bench.station.state.faults}


def alarms(bench: Bench) -> list[object]:
    query = "SELECT json_extract(CAST(event AS TEXT), '$.facts.raised') FROM records WHERE card IS NULL"
    return [raised for (raised,) in by_hand(bench.journal_file, f"{query} ORDER BY id")]


# --- a refusal that passes ----------------------------------------------------------------------


def test_a_disk_that_refuses_once_costs_no_award(bench: Bench) -> None:
    bench.journal.is_full = True
    one_visit(bench)
    assert faults(bench) == {FaultCode.JOURNAL_FAILED}
    bench.journal.is_full = False
    bench.pass_time(MOMENT_S)
    assert bench.said()[-1] == Prompt.POINTS_HELD
    assert faults(bench) == set()
    assert len(sound(bench.folder)) == 1


@pytest.mark.parametrize("locked_s", [13, 40])
def test_a_visit_that_ends_while_another_program_locks_the_journal_is_written_when_the_lock_is_gone(
    tmp_path: Path, locked_s: int
) -> None:
    journal = opened(tmp_path, busy_s=0.01)
    journal.close()
    bench = Bench(tmp_path, rules_of(bin_rule()), journal=journal)
    other = sqlite3.connect(bench.journal_file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    one_visit(bench)
    bench.pass_time(locked_s)
    assert bench.said()[-1] == Prompt.SAVED_LATER
    assert bench.shown().faults[0].code == "journal_failed"
    other.execute("ROLLBACK")
    other.close()
    bench.pass_time(LONGEST_PAUSE_S)
    assert len(sound(bench.folder)) == 1
    assert alarms(bench) == [1, 0], "the alarm of the lock, and its end"
    assert faults(bench) == set(), "the fault stays though the disk is well"
    assert bench.said()[-1] == Prompt.SAVED_LATER, "points were spoken to nobody"
    bench.close()


def test_waiting_records_are_written_in_their_order(bench: Bench) -> None:
    bench.journal.is_full = True
    for who in ("one", "two", "three"):
        one_visit(bench, who)
    bench.journal.is_full = False
    bench.pass_time(LONGEST_PAUSE_S)
    times = by_hand(
        bench.journal_file,
        "SELECT json_extract(CAST(event AS TEXT), '$.stamp.monotonic_s') FROM records"
        " WHERE card IS NOT NULL ORDER BY id",
    )
    assert len(times) == 3
    assert times == sorted(times)


def test_retries_become_rarer_while_the_disk_refuses(bench: Bench) -> None:
    bench.journal.is_full = True
    one_visit(bench)
    attempts = []
    until = bench.clock.at + 60
    while bench.clock.at < until:
        bench.diary.clear()
        bench.pass_time(0.1)
        attempts += [bench.clock.at for note in bench.diary if str(note[0]).startswith("record")]
    gaps = [later - earlier for earlier, later in pairwise(attempts)]
    assert 5 < len(attempts) < 15
    assert gaps[0] < 1.5
    assert gaps[-1] == pytest.approx(LONGEST_PAUSE_S, abs=0.2)


def test_a_disk_that_refuses_for_an_hour_fills_no_log(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.journal.is_full = True
    one_visit(bench)
    with caplog.at_level(logging.INFO):
        bench.pass_time(3600)
        assert len([one for one in caplog.records if one.levelno >= logging.WARNING]) < 10


def test_a_flood_of_visits_and_alarms_keeps_the_oldest_and_logs_the_lost_ones(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.journal.is_full = True
    for number in range(ROOM + 2):
        one_visit(bench, f"card {number}")
        bench.pass_time(MOMENT_S)
    assert bench.said()[-1] == Prompt.NOT_SAVED
    assert "is lost: 64 records already wait for the disk" in caplog.text
    bench.journal.is_full = False
    bench.pass_time(LONGEST_PAUSE_S)
    kept = sound(bench.folder)
    assert len(kept) == ROOM - 1, "the first refusal's own alarm has the other place"


def test_faults_that_come_and_go_leave_room_for_visits(tmp_path: Path) -> None:
    backlog = Backlog(opened(tmp_path), HandClock())
    taken = [backlog.add(Entry(ALARM, NOON)) for _ in range(ROOM)]
    assert taken == [True] * ALARM_ROOM + [False] * ALARM_ROOM
    assert backlog.add(Entry(visit(), NOON, 1))
    assert backlog.drain().refusal is None
    assert sound(tmp_path)[0][1] == ALARM_ROOM + 1


def test_a_record_that_can_never_be_written_does_not_hold_up_others(bench: Bench) -> None:
    real = bench.journal.inner.record_note
    bench.journal.inner.record_note = lambda *_: 1 // 0  # type: ignore[method-assign, assignment]
    bench.inbox.post(FaultRaised(bench.clock.at, FaultCode.LID_FORCED, "kitchen"))
    one_visit(bench)
    bench.pass_time(1)
    assert bench.said()[-1] == Prompt.POINTS_HELD
    bench.journal.inner.record_note = real  # type: ignore[method-assign]
    assert len(sound(bench.folder)) == 1


def test_waiting_records_are_written_when_the_station_stops(bench: Bench) -> None:
    bench.journal.is_full = True
    one_visit(bench)
    bench.journal.is_full = False
    bench.station.flush()
    assert len(sound(bench.folder)) == 1


def test_records_that_the_disk_refused_until_the_stop_are_logged(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.journal.is_full = True
    one_visit(bench)
    bench.station.flush()
    bench.station.name_lost()
    assert "visit 1 is lost: the disk did not take it before the stop" in caplog.text
    assert "alarm journal_failed of journal is lost" in caplog.text


# --- kept once ----------------------------------------------------------------------------------


class FailsAfterwards:
    """A connection that writes one record whole and still reports an error, once."""

    def __init__(self, journal: SqliteJournal) -> None:
        self._journal, self._inner = journal, journal._database  # noqa: SLF001 (there is no other seam)
        journal._database = self  # type: ignore[assignment]  # noqa: SLF001

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def execute(self, statement: str, *values: object) -> object:
        assert self._inner is not None
        done = self._inner.execute(statement, *values)  # type: ignore[arg-type]
        if statement.startswith("INSERT INTO records"):
            self._journal.close()
            raise sqlite3.OperationalError("disk I/O error")
        return done


def test_a_visit_that_was_written_despite_an_error_is_stored_once(
    tmp_path: Path,
) -> None:
    journal = opened(tmp_path)
    journal.record_visit(visit(), NOON)
    FailsAfterwards(journal)
    with pytest.raises(JournalError):
        journal.record_visit(visit(2, who="li"), at(NOON.wall_s + 9))
    award = journal.record_visit(visit(2, who="li"), at(NOON.wall_s + 9))
    assert award.points == 2
    journal.record_visit(visit(), at(NOON.wall_s + 60))
    assert [sequence for _, sequence in sound(tmp_path)] == [1, 2, 3]
    journal.close()


def test_an_alarm_that_was_written_despite_an_error_is_stored_once(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    FailsAfterwards(journal)
    with pytest.raises(JournalError):
        journal.record_note(ALARM, NOON)
    journal.record_note(ALARM, NOON)
    assert rows(tmp_path / JOURNAL_FILE, "outbox") == 1
    journal.close()


def test_a_sequence_that_is_taken_in_the_file_is_skipped(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.record_visit(visit(), NOON)
    by_hand(
        tmp_path / JOURNAL_FILE,
        "INSERT INTO records SELECT id + 1, event, crc, card, day, points, counted, lines, NULL, NULL"
        " FROM records",
    )
    with pytest.raises(JournalError, match="UNIQUE"):
        journal.record_note(ALARM, NOON)
    journal.record_note(ALARM, NOON)
    journal.close()


# --- a folder that cannot be written at the start -----------------------------------------------


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int | None]]:
    """Give the lock file's errno; None: it opens."""
    real, answer = os.open, dict[str, int | None](errno=None)

    def refuse(path: str | Path, *given: int, **named: int) -> int:
        if str(path).endswith(LOCK_FILE) and (number := answer["errno"]) is not None:
            raise OSError(number, os.strerror(number), str(path))
        return real(path, *given, **named)

    monkeypatch.setattr(os, "open", refuse)
    yield answer
    answer["errno"] = None


@pytest.mark.parametrize("number", ["EROFS", "EACCES", "EIO", "ENOSPC", "EMFILE", "EPERM", "ENOLCK"])
def test_a_state_folder_that_fails_at_the_start_keeps_no_lid_shut_and_is_used_once_it_works(
    tmp_path: Path, refused: dict[str, int | None], number: str
) -> None:
    refused["errno"] = getattr(errno, number)
    bench = Bench(tmp_path, rules_of(bin_rule()))
    bench.pass_time(1)
    fault = "journal_full" if number == "ENOSPC" else "journal_failed"
    assert bench.shown().faults[0].code == fault, "nobody is told before the first visit"
    one_visit(bench)
    assert ("open", "kitchen", WAITS.lease_s) in bench.diary
    bench.pass_time(MOMENT_S)
    assert bench.said()[-1] == Prompt.SAVED_LATER
    refused["errno"] = None
    bench.pass_time(LONGEST_PAUSE_S + JOURNAL_REFUSED_S)
    assert faults(bench) == set()
    assert alarms(bench) == [1, 0]
    assert len(sound(tmp_path)) == 1
    bench.close()


def test_a_station_starts_although_another_program_locks_its_journal(
    tmp_path: Path,
) -> None:
    with alone(tmp_path):
        bench = Bench(tmp_path, rules_of(bin_rule()), journal=opened(tmp_path, busy_s=0.05))
        one_visit(bench)
        assert ("open", "kitchen", WAITS.lease_s) in bench.diary
    bench.pass_time(LONGEST_PAUSE_S + JOURNAL_REFUSED_S)
    assert faults(bench) == set()
    assert len(sound(tmp_path)) == 1
    bench.close()


def test_a_disk_that_can_be_read_but_not_written_stays_a_fault(bench: Bench) -> None:
    refusing = NotingJournal.record_visit
    bench.journal.is_full = True
    one_visit(bench)
    bench.journal.roster = bench.journal.inner.roster  # type: ignore[method-assign]
    bench.journal.outbox = bench.journal.inner.outbox  # type: ignore[method-assign]
    bench.pass_time(60)
    assert refusing is NotingJournal.record_visit
    assert faults(bench) == {FaultCode.JOURNAL_FAILED}


ON_A_READ_ONLY_DISK = """
import subprocess, sys
from pathlib import Path
from cloud_sync.wire.facts import Role
from edge.sync.outbox import Outbox
from edge.roster import CardState, RosterEntry
from tests.edge.builders import WAITS, bin_rule, card, rules_of
from tests.edge.journal.checks import sound
from tests.edge.journal.test_backlog import faults, one_visit
from tests.edge.workbench import Bench

root = Path(sys.argv[1])

def remount(how):
    subprocess.run(["mount", "-o", f"remount,{how}", str(root)], check=True)

bench = Bench(root / "state", rules_of(bin_rule()))
one_visit(bench)
outbox = Outbox(root / "state")
outbox.replace_roster({card("thief"): RosterEntry(CardState.BLOCKED, Role.RESIDENT)})
image = {file: file.read_bytes() for file in (root / "state").iterdir() if file.is_file()}
outbox.close()
bench.close()
for file, content in image.items():
    file.write_bytes(content)  # as after a power cut: the roster stands in the log
remount("ro")
bench = Bench(root / "state", rules_of(bin_rule()))
bench.parts.speaker.journal_file = root / "none"  # SQLite opens none without its log
bench.tap("thief")
bench.station.run_pending()
assert not bench.diary.count(("open", "kitchen", WAITS.lease_s)), "a blocked card opened a lid"
one_visit(bench)
assert ("open", "kitchen", WAITS.lease_s) in bench.diary, "the lid stays shut"
bench.pass_time(30)
assert [one.name for one in faults(bench)] == ["JOURNAL_FAILED"], faults(bench)
remount("rw")
bench.pass_time(30)
assert not faults(bench), faults(bench)
assert len(sound(root / "state")) == 2, sound(root / "state")
bench.close()
print("well")
"""


def test_a_real_read_only_disk_keeps_no_lid_shut_and_is_used_once_it_can_be_written(
    tmp_path: Path,
) -> None:
    unshare = shutil.which("unshare")
    enter = [unshare or "unshare", "--map-root-user", "--mount"]
    if unshare is None or subprocess.run([*enter, "true"], capture_output=True, check=False).returncode:
        pytest.skip(
            "this machine lets nobody mount in a namespace of his own (unshare --map-root-user --mount)"
        )
    script = 'mount -t tmpfs small "$1" && exec "$2" -c "$3" "$1"'
    command = [*enter, "sh", "-c", script, "sh", str(tmp_path), sys.executable, ON_A_READ_ONLY_DISK]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_WITHIN_S, check=False)
    assert done.stdout == "well\n", done.stderr
