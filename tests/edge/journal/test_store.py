"""One visit, one award and one outbox row are stored together or not at all, whatever the disk does."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_sync.rules.award_rules import Award, Outcome
from cloud_sync.wire.envelope import EpochReceipt, decode_event
from cloud_sync.wire.facts import MAX_WALL_S, Role, Stamp, VisitFacts
from edge.journal.schema import JOURNAL_FILE, connect, scalar, written_at_once
from edge.journal.store import SqliteJournal
from edge.ports import JournalError
from edge.roster import CardState, RosterEntry
from edge.sync.outbox import Outbox
from tests.edge.builders import RULES, card
from tests.edge.journal.checks import ALARM, DAY_S, NOON, at, bytes_of, opened, sound, visit
from tests.edge.workbench import UNIX_S, by_hand

OpenJournal = Callable[[], SqliteJournal]


@pytest.fixture
def open_journal(tmp_path: Path) -> Iterator[OpenJournal]:
    made: list[SqliteJournal] = []

    def make() -> SqliteJournal:
        made.append(opened(tmp_path))
        return made[-1]

    yield make
    for journal in made:
        journal.close()


@pytest.fixture
def journal(open_journal: OpenJournal) -> SqliteJournal:
    return open_journal()


# --- all or nothing -----------------------------------------------------------------------------


def test_a_visit_is_priced_and_stored_with_its_event(journal: SqliteJournal, tmp_path: Path) -> None:
    award = journal.record_visit(visit(3), NOON)
    assert [line.outcome for line in award.lines] == [Outcome.UNSEEN] * 3
    assert sound(tmp_path) == [(journal.epoch, 1)]
    ((raw,),) = by_hand(tmp_path / JOURNAL_FILE, "SELECT event FROM outbox")
    event = decode_event(bytes_of(raw))
    assert isinstance(event.facts, VisitFacts)
    assert (event.facts.provisional, event.facts.rules) == (3, RULES.version)
    assert event.stamp == NOON


def test_alarms_and_visits_share_one_sequence(journal: SqliteJournal, tmp_path: Path) -> None:
    journal.record_visit(visit(), NOON)
    journal.record_note(ALARM, NOON)
    journal.record_visit(visit(), NOON)
    assert sound(tmp_path) == [(journal.epoch, 1), (journal.epoch, 3)]


def test_a_failing_disk_stores_nothing_and_uses_up_no_sequence(
    journal: SqliteJournal, tmp_path: Path
) -> None:
    journal.record_visit(visit(), NOON)
    file = tmp_path / JOURNAL_FILE
    by_hand(file, "CREATE TRIGGER no BEFORE INSERT ON records BEGIN SELECT RAISE(ABORT, 'worn out'); END")
    with pytest.raises(JournalError, match="worn out"):
        journal.record_visit(visit(), NOON)
    assert sound(tmp_path) == [(journal.epoch, 1)]
    by_hand(file, "DROP TRIGGER no")
    journal.record_visit(visit(), NOON)
    assert sound(tmp_path) == [(journal.epoch, 1), (journal.epoch, 2)]


def test_a_commit_that_fails_blocks_no_later_visit(journal: SqliteJournal, tmp_path: Path) -> None:
    file = tmp_path / JOURNAL_FILE
    by_hand(file, "CREATE TABLE hook (id INTEGER REFERENCES roster (card) DEFERRABLE INITIALLY DEFERRED)")
    by_hand(file, "CREATE TRIGGER late AFTER INSERT ON records BEGIN INSERT INTO hook VALUES (7); END")
    database = journal._database  # noqa: SLF001 (what is checked is one connection's choice)
    assert database is not None
    database.execute("PRAGMA foreign_keys=ON")
    for _ in range(2):
        with pytest.raises(JournalError, match="FOREIGN KEY"):
            journal.record_visit(visit(), NOON)
    by_hand(file, "DROP TRIGGER late")
    journal.record_visit(visit(), NOON)
    assert sound(tmp_path) == [(journal.epoch, 1)]


def test_a_full_disk_refuses_visits_and_takes_them_again_when_there_is_room(
    journal: SqliteJournal, tmp_path: Path
) -> None:
    database = journal._database  # noqa: SLF001 (the limit of pages is one connection's)
    assert database is not None
    pages = next(iter(database.execute("PRAGMA page_count")))[0]
    database.execute(f"PRAGMA max_page_count = {pages + 2}")
    kept = visits_until_full(journal)
    assert 0 < kept < 1_000
    assert visits_until_full(journal) == 0
    assert len(sound(tmp_path)) == kept
    database.execute(f"PRAGMA max_page_count = {pages + 500}")
    journal.record_visit(visit(12), NOON)
    assert len(sound(tmp_path)) == kept + 1


def test_nobody_writes_between_the_read_and_the_write_of_a_transaction(
    journal: SqliteJournal, tmp_path: Path
) -> None:
    assert journal.outbox() == (0, 0)
    ours, others = connect(tmp_path / JOURNAL_FILE), connect(tmp_path / JOURNAL_FILE)
    others.execute("PRAGMA busy_timeout=0")
    with closing(ours), closing(others):
        with written_at_once(ours):
            scalar(ours, "SELECT count(*) FROM told")
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                others.execute("INSERT INTO told VALUES ('smoke')")
            ours.execute("INSERT INTO told VALUES ('panic')")
        assert scalar(others, "SELECT count(*) FROM told") == 1


def test_another_process_with_the_lock_is_waited_for_and_then_reported(
    tmp_path: Path,
) -> None:
    journal = opened(tmp_path, busy_s=0.05)
    other = sqlite3.connect(tmp_path / JOURNAL_FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="locked"):
        journal.record_visit(visit(), NOON)
    other.execute("ROLLBACK")
    journal.record_visit(visit(), NOON)
    assert len(sound(tmp_path)) == 1
    other.close()
    journal.close()


def visits_until_full(journal: SqliteJournal) -> int:
    for kept in range(1_000):
        try:
            journal.record_visit(visit(12, who=f"card {kept}"), NOON)
        except JournalError as error:
            assert "full" in str(error)  # noqa: PT017 (which visit it is, nobody knows before)
            return kept
    return 1_000


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["visit", "alarm", "receipt", "restart"]),
        st.integers(0, 14),
        st.sampled_from([None, None, None, "records", "epochs"]),
    ),
    max_size=25,
)


@settings(max_examples=25)
@given(steps=STEPS)
def test_after_any_failure_every_award_has_one_event_and_one_visit(
    steps: list[tuple[str, int, str | None]],
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        journal, outbox, told = opened(folder), Outbox(folder), list[tuple[str, int]]()
        sequence = 0
        for kind, amount, breaks in steps:
            if breaks:
                by_hand(
                    folder / JOURNAL_FILE,
                    f"CREATE TRIGGER no BEFORE INSERT ON {breaks} BEGIN SELECT RAISE(ABORT, 'no'); END",
                )
            try:
                match kind:
                    case "visit":
                        journal.record_visit(visit(amount, who=f"card {amount % 3}"), NOON)
                        sequence += 1
                        told.append((journal.epoch, sequence))
                    case "alarm":
                        journal.record_note(ALARM, NOON)
                        sequence += 1
                    case "restart":
                        journal.close()
                        journal, sequence = opened(folder), 0
                    case _:
                        # A ledger holds nothing that was never written.
                        outbox.note_receipts([EpochReceipt(journal.epoch, min(amount, sequence))])
            except JournalError:
                assert breaks
            by_hand(folder / JOURNAL_FILE, "DROP TRIGGER IF EXISTS no")
        assert sound(folder) == told
        journal.close()
        outbox.close()


# --- numbers that are never given twice ---------------------------------------------------------


def test_a_new_opening_counts_from_one_in_an_epoch_of_its_own(
    open_journal: OpenJournal, tmp_path: Path
) -> None:
    first = open_journal()
    first.record_visit(visit(), NOON)
    first.close()
    second = open_journal()
    second.record_visit(visit(), NOON)
    assert sound(tmp_path) == [(first.epoch, 1), (second.epoch, 1)]


def test_two_runs_from_one_card_image_never_share_an_events_identity(tmp_path: Path) -> None:
    file = tmp_path / "card" / JOURNAL_FILE
    journal = opened(tmp_path / "card")
    journal.record_visit(visit(), NOON)
    journal.close()
    image = file.read_bytes()
    lived = opened(tmp_path / "card")
    lived.record_visit(visit(), NOON)
    sent = set(sound(tmp_path / "card"))
    lived.close()
    file.write_bytes(image)
    restored = opened(tmp_path / "card")
    restored.record_visit(visit(2), NOON)
    again = set(sound(tmp_path / "card"))
    restored.close()
    assert again - sent == {(restored.epoch, 1)}


def test_the_same_epoch_opened_again_goes_on_counting(tmp_path: Path) -> None:
    for _ in range(2):
        journal = opened(tmp_path, "e" * 16)
        journal.record_visit(visit(), NOON)
        journal.close()
    assert sound(tmp_path) == [("e" * 16, 1), ("e" * 16, 2)]


def test_a_folder_that_cannot_hold_a_journal_is_tried_again_at_every_use(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.write_bytes(b"")
    journal = opened(folder)
    with pytest.raises(JournalError, match="exists"):
        journal.record_visit(visit(), NOON)
    folder.unlink()
    journal.record_visit(visit(), NOON)
    assert sound(folder) == [(journal.epoch, 1)]
    journal.close()


def test_a_newer_programs_journal_is_left_unchanged(tmp_path: Path) -> None:
    opened(tmp_path).close()
    by_hand(tmp_path / JOURNAL_FILE, "PRAGMA user_version = 9")
    before = (tmp_path / JOURNAL_FILE).read_bytes()
    journal = opened(tmp_path)
    with pytest.raises(JournalError, match="layout 9"):
        journal.record_visit(visit(), NOON)
    journal.close()
    assert (tmp_path / JOURNAL_FILE).read_bytes() == before


# --- caps ---------------------------------------------------------------------------------------


def points(award: Award) -> int:
    return award.points


def test_the_daily_cap_counts_across_visits_and_restarts(open_journal: OpenJournal) -> None:
    per_visit = []
    for _ in range(5):
        journal = open_journal()
        per_visit.append(points(journal.record_visit(visit(5), NOON)))
        journal.close()
    assert per_visit == [5, 5, 2, 0, 0]  # twelve deposits a day


def test_each_card_has_a_cap_of_its_own(journal: SqliteJournal) -> None:
    assert points(journal.record_visit(visit(12), NOON)) == 12
    assert points(journal.record_visit(visit(12, who="li"), NOON)) == 12


def test_alternating_days_each_keep_their_own_caps(journal: SqliteJournal) -> None:
    """The clock may jump back and forth, or the station ask for another day's tally."""
    later = at(NOON.wall_s + DAY_S)
    assert [points(journal.record_visit(visit(5), day)) for day in (NOON, later) * 3] == [5, 5, 5, 5, 2, 2]


def test_a_new_day_begins_at_midnight_of_the_stations_own_zone(journal: SqliteJournal) -> None:
    midnight = 1_780_000_000.0 // DAY_S * DAY_S - 8 * 3600 + DAY_S  # 00:00 in Shanghai
    assert points(journal.record_visit(visit(12), at(midnight - 1))) == 12
    assert points(journal.record_visit(visit(12), at(midnight - 0.5))) == 0
    assert points(journal.record_visit(visit(12), at(midnight))) == 12


def test_without_a_trusted_calendar_each_boot_has_a_day_of_its_own(journal: SqliteJournal) -> None:
    """A board without a clock starts in 1970 every time: one cap for all its days would rob residents."""

    def untrusted(boot: str, monotonic_s: float) -> Stamp:
        return Stamp(wall_s=0.0, trusted=False, boot=boot, monotonic_s=monotonic_s)

    assert points(journal.record_visit(visit(12), untrusted("one", 10))) == 12
    assert points(journal.record_visit(visit(12), untrusted("one", DAY_S - 1))) == 0
    assert points(journal.record_visit(visit(12), untrusted("one", DAY_S + 1))) == 12
    assert points(journal.record_visit(visit(12), untrusted("two", 20))) == 12
    assert points(journal.record_visit(visit(12), NOON)) == 12


def test_a_calendar_that_jumps_is_a_day_like_any_other(journal: SqliteJournal) -> None:
    for unix_s in (UNIX_S, UNIX_S + 366 * DAY_S, 0.0, MAX_WALL_S):
        assert points(journal.record_visit(visit(12), at(unix_s))) == 12
        assert points(journal.record_visit(visit(1), at(unix_s))) == 0


def test_a_visit_that_the_disk_refused_uses_up_nothing(journal: SqliteJournal, tmp_path: Path) -> None:
    file = tmp_path / JOURNAL_FILE
    by_hand(file, "CREATE TRIGGER no BEFORE INSERT ON records BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(JournalError):
        journal.record_visit(visit(12), NOON)
    by_hand(file, "DROP TRIGGER no")
    assert points(journal.record_visit(visit(12), NOON)) == 12


def test_staff_earn_nothing(journal: SqliteJournal) -> None:
    assert points(journal.record_visit(visit(3, role=Role.STAFF), NOON)) == 0


# --- the roster ---------------------------------------------------------------------------------


def test_the_roster_is_read_again_when_another_process_changed_it_and_only_then(
    journal: SqliteJournal, tmp_path: Path
) -> None:
    assert journal.roster() == {}
    outbox = Outbox(tmp_path)
    entry = RosterEntry(CardState.BLOCKED, Role.RESIDENT)
    outbox.replace_roster({card("li"): entry})
    known = journal.roster()
    assert known == {card("li"): entry}
    journal.record_visit(visit(), NOON)
    assert journal.roster() is known
    outbox.replace_roster({card("wang"): RosterEntry(CardState.ACTIVE, Role.STAFF)})
    assert set(journal.roster()) == {card("wang")}
    outbox.close()


def test_the_roster_is_read_again_from_a_journal_that_is_opened_again(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.replace_roster({card("li"): RosterEntry(CardState.ACTIVE, Role.RESIDENT)})
    journal = opened(tmp_path)
    assert set(journal.roster()) == {card("li")}
    journal.close()  # as when it is mended; the counter of changes begins anew then
    outbox.replace_roster({card("wang"): RosterEntry(CardState.ACTIVE, Role.STAFF)})
    outbox.close()
    assert set(journal.roster()) == {card("wang")}
    journal.close()


def test_a_roster_with_a_newer_versions_state_makes_the_journal_unreadable(
    journal: SqliteJournal, tmp_path: Path
) -> None:
    by_hand(tmp_path / JOURNAL_FILE, "INSERT INTO roster VALUES ('x', 'melted', 'resident')")
    with pytest.raises(JournalError, match="melted"):
        journal.roster()


def test_a_roster_half_written_by_a_killed_process_is_never_seen(
    journal: SqliteJournal, tmp_path: Path
) -> None:
    outbox = Outbox(tmp_path)
    outbox.replace_roster({card("li"): RosterEntry(CardState.ACTIVE, Role.STAFF)})
    other = sqlite3.connect(tmp_path / JOURNAL_FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("DELETE FROM roster")
    assert set(journal.roster()) == {card("li")}
    other.close()
    assert set(journal.roster()) == {card("li")}
    outbox.close()


def test_only_the_owner_may_read_a_journal_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        journal = opened(tmp_path / "state")
        journal.record_visit(visit(), NOON)
        modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "state").iterdir()}
    finally:
        os.umask(before)
    journal.close()
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert set(modes.values()) == {0o600}, modes


def test_a_journal_that_anybody_could_read_is_made_private(tmp_path: Path) -> None:
    opened(tmp_path).close()
    (tmp_path / JOURNAL_FILE).chmod(0o644)
    opened(tmp_path).close()
    assert (tmp_path / JOURNAL_FILE).stat().st_mode & 0o007 == 0
