"""Journals broken in every way are kept whole, and their readable rows go on."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_sync.wire.envelope import EpochReceipt, decode_event
from cloud_sync.wire.facts import AlarmFacts, Role
from edge.faults import FaultCode
from edge.journal import repair
from edge.journal.repair import COMPLETE, open_mended, take_over
from edge.journal.salvage import Salvaged, salvage
from edge.journal.schema import JOURNAL_FILE, PAGE_BYTES, open_journal
from edge.ports import JournalError
from edge.roster import CardState, RosterEntry
from edge.sync.outbox import Outbox
from tests.edge.builders import WAITS, bin_rule, card, rules_of
from tests.edge.journal.checks import ALARM, NOON, opened, visit
from tests.edge.workbench import Bench, by_hand

A = "a" * 16
NOW = datetime(2026, 11, 22, 14, 22, 41, tzinfo=UTC)
EVENTS = 300
LOG = f"{JOURNAL_FILE}-wal"

Break = Callable[[Path], None]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a journal of 300 visits, 100 of them receipted, and 20 cards; checkpointed."""
    folder = tmp_path_factory.mktemp("written")
    journal = opened(folder, A)
    for number in range(EVENTS):
        # Every fiftieth is too large for one page of the file.
        journal.record_visit(visit(12 if number % 50 else 32, who=f"card {number}"), NOON)
    outbox = Outbox(folder)
    outbox.claim("lane", "gate")
    outbox.note_receipts([EpochReceipt(A, 100, ((7, "malformed"),))])
    outbox.replace_roster(
        {card(f"known {number}"): RosterEntry(CardState.ACTIVE, Role.RESIDENT) for number in range(20)}
    )
    outbox.close()
    journal.close()
    assert not (folder / LOG).exists()
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    return tmp_path


def waiting(folder: Path) -> list[int]:
    outbox = Outbox(folder)
    events = [decode_event(row.event) for row in outbox.waiting(0, 10_000)]
    outbox.close()
    return [event.sequence for event in events if event.epoch == A]


def aside(folder: Path) -> list[Path]:
    return sorted(folder.glob("journal-damaged-*"))


def flip(file: Path, *pages: int) -> None:
    """Invert every bit in the middle of these pages."""
    image = bytearray(file.read_bytes())
    for page in pages:
        for at in range(page * PAGE_BYTES + 1000, page * PAGE_BYTES + 1100):
            image[at] ^= 0xFF
    file.write_bytes(image)


def scramble(file: Path, at: int, length: int) -> None:
    image = bytearray(file.read_bytes())
    image[at : at + length] = random.Random(1).randbytes(length)
    file.write_bytes(image)


def roots(file: Path) -> None:
    """Break the root of every tree: SQLite then finds no row at all."""
    for (page,) in by_hand(file, "SELECT rootpage FROM sqlite_schema WHERE rootpage > 0"):
        scramble(file, (int(str(page)) - 1) * PAGE_BYTES, 200)


def is_recovered(folder: Path, damaged: bytes, at_least: int) -> None:
    """Open the station's journal, and check that it works and has this many of the 300."""
    journal = opened(folder)
    assert journal.mended is not None
    assert journal.faults() == {FaultCode.JOURNAL_RECOVERED}
    assert journal.mended.events >= at_least
    assert (journal.mended.aside / JOURNAL_FILE).read_bytes() == damaged
    journal.record_visit(visit(), NOON)
    journal.close()
    assert by_hand(folder / JOURNAL_FILE, "PRAGMA integrity_check") == [("ok",)]
    again = opened(folder)
    assert again.mended is None
    assert again.faults() == frozenset()
    again.close()


# --- every kind of damage -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "at_least"),
    [
        (lambda file: scramble(file, 0, 100), EVENTS),
        (lambda file: scramble(file, 0, PAGE_BYTES), EVENTS),
        (roots, EVENTS - 30),
        (lambda file: file.write_bytes(file.read_bytes()[: 40 * PAGE_BYTES + 77]), 30),
        (lambda file: file.write_bytes(b""), 0),
        (lambda file: file.write_bytes(bytes(len(file.read_bytes()))), 0),
        (lambda file: file.write_bytes(b"this is no database, " * 100), 0),
    ],
    ids=["header", "first page", "roots", "cut short", "empty", "zeros", "text"],
)
def test_a_broken_journal_is_kept_whole_and_its_readable_rows_go_on(
    folder: Path, damage: Break, at_least: int
) -> None:
    damage(folder / JOURNAL_FILE)
    is_recovered(folder, (folder / JOURNAL_FILE).read_bytes(), at_least)


def test_one_bad_page_costs_only_its_own_rows(folder: Path) -> None:
    file = folder / JOURNAL_FILE
    before = len(salvage(file).records)
    pages = file.stat().st_size // PAGE_BYTES
    scramble(file, (pages // 2) * PAGE_BYTES, PAGE_BYTES)
    found = salvage(file)
    assert found.damage
    assert before - 10 <= len(found.records) < before + 1


def test_recovered_events_keep_their_identity_bytes_and_receipts(folder: Path) -> None:
    file = folder / JOURNAL_FILE
    before = {record.named(): record for record in salvage(file).records}
    scramble(file, 0, 100)
    opened(folder).close()
    after = {record.named(): record for record in salvage(file).records}
    assert {name: record.event for name, record in after.items()} == {
        name: record.event for name, record in before.items()
    }
    assert waiting(folder) == list(range(101, EVENTS + 1))
    assert [name.sequence for name, record in after.items() if record.refused] == [7]
    found = salvage(file)
    assert (len(found.roster), found.owner) == (20, ("lane", "gate"))


def test_a_recovered_visit_has_the_award_of_its_event_even_if_its_columns_differ(
    folder: Path,
) -> None:
    file = folder / JOURNAL_FILE
    by_hand(file, "UPDATE records SET points = 999, card = NULL WHERE id & 4294967295 = 120")
    roots(file)
    opened(folder).close()
    assert by_hand(file, "SELECT points, day FROM awards WHERE sequence = 120") == [(12, None)]
    journal = opened(folder)
    assert journal.record_visit(visit(1, who="card 119"), NOON).points == 1
    journal.close()


def test_recovered_visits_still_count_against_their_days_cap(folder: Path) -> None:
    scramble(folder / JOURNAL_FILE, 0, 100)
    journal = opened(folder)
    assert journal.record_visit(visit(12, who="card 1"), NOON).points == 0
    assert journal.record_visit(visit(12, who="somebody else"), NOON).points == 12
    journal.close()


def test_a_receipt_frees_recovered_rows_and_a_lower_one_has_them_sent_again(folder: Path) -> None:
    scramble(folder / JOURNAL_FILE, 0, 100)
    opened(folder).close()
    outbox = Outbox(folder)
    outbox.note_receipts([EpochReceipt(A, 250)])
    assert waiting(folder) == list(range(251, EVENTS + 1))
    outbox.note_receipts([EpochReceipt(A, 50)])
    assert waiting(folder) == list(range(51, EVENTS + 1))
    outbox.close()


def test_lost_sequences_are_stated_once_the_ledger_waits_for_them(folder: Path) -> None:
    file = folder / JOURNAL_FILE
    by_hand(file, "DELETE FROM records WHERE id & 4294967295 IN (1, 2, 3, 120, 121)")
    outbox = Outbox(folder)
    outbox.note_receipts([EpochReceipt(A, 0)])
    (lost,) = outbox.lost([1]).values()
    assert (lost.epoch, lost.first, lost.last) == (A, 1, 3)
    outbox.note_receipts([EpochReceipt(A, 119)])
    (lost,) = outbox.lost([1]).values()
    assert (lost.first, lost.last) == (120, 121)
    outbox.note_receipts([EpochReceipt(A, 125)])
    assert outbox.lost([1]) == {}
    outbox.close()


def cut_off(folder: Path, image: Path) -> Path:
    """Return the files of a station that recorded five more visits into its log and then lost power."""
    journal = opened(folder, "b" * 16)
    for number in range(5):
        journal.record_visit(visit(3, who=f"late {number}"), NOON)
    image.mkdir()
    for name in (JOURNAL_FILE, LOG):
        shutil.copy(folder / name, image / name)
    journal.close()
    return image


def test_rows_in_the_log_of_a_broken_file_are_recovered_too(folder: Path, tmp_path: Path) -> None:
    image = cut_off(folder, tmp_path / "image")
    scramble(image / JOURNAL_FILE, 0, PAGE_BYTES)
    found = [record.named() for record in salvage(image / JOURNAL_FILE).records]
    assert [name.sequence for name in found if name.epoch == "b" * 16] == [1, 2, 3, 4, 5]
    scramble(image / LOG, 32 + 24 + 10, 200)  # the checksums of every later page fail with the first
    opened(image).close()
    found = [record.named() for record in salvage(image / JOURNAL_FILE).records]
    assert len([name for name in found if name.epoch == "b" * 16]) >= 4


def test_visits_behind_a_bad_page_of_the_log_are_kept(folder: Path, tmp_path: Path) -> None:
    image = cut_off(folder, tmp_path / "image")
    scramble(image / LOG, 32 + 24 + 10, 200)
    again = opened(image)
    assert again.mended is None
    again.close()
    found = [record.named() for record in salvage(image / JOURNAL_FILE).records]
    assert [name.sequence for name in found if name.epoch == "b" * 16] == [1, 2, 3, 4, 5]


def test_a_journal_that_lost_its_log_is_an_earlier_journal_and_nothing_collides(folder: Path) -> None:
    journal = opened(folder, "b" * 16)
    journal.record_visit(visit(), NOON)
    image = (folder / JOURNAL_FILE).read_bytes()
    journal.close()
    (folder / JOURNAL_FILE).write_bytes(image)  # what the disk had before the log was folded in
    again = opened(folder)
    assert again.mended is None
    again.record_visit(visit(), NOON)
    again.close()
    assert by_hand(folder / JOURNAL_FILE, "SELECT DISTINCT epoch FROM outbox ORDER BY epoch") == sorted(
        [(A,), (again.epoch,)]
    )


@settings(max_examples=25)
@given(data=st.data())
def test_with_any_bytes_broken_the_station_starts_and_invents_nothing(
    written: Path, data: st.DataObject
) -> None:
    true = {record.event for record in salvage(written / JOURNAL_FILE).records}
    size = (written / JOURNAL_FILE).stat().st_size
    with TemporaryDirectory() as name:
        folder = Path(name)
        image = bytearray((written / JOURNAL_FILE).read_bytes())
        for _ in range(data.draw(st.integers(1, 6))):
            at = data.draw(st.integers(0, size - 1))
            length = data.draw(st.integers(1, 3 * PAGE_BYTES))
            image[at : at + length] = random.Random(at).randbytes(len(image[at : at + length]))
        (folder / JOURNAL_FILE).write_bytes(image[: data.draw(st.sampled_from([size, size, size // 2]))])
        journal = opened(folder)
        journal.record_visit(visit(), NOON)
        journal.close()
        outbox = Outbox(folder)
        kept = {row.event for row in outbox.waiting(0, 10_000)}
        outbox.close()
        assert {event for event in kept if decode_event(event).epoch == A} <= true


def test_a_station_with_a_broken_journal_opens_its_lids_raises_the_alarm_once_and_earns(folder: Path) -> None:
    roots(folder / JOURNAL_FILE)
    bench = Bench(folder, rules_of(bin_rule()))
    bench.tap(who="new neighbour")
    bench.station.run_pending()
    assert ("open", "kitchen", WAITS.lease_s) in bench.diary
    bench.pass_time(30)
    assert {fault.code for fault in bench.station.state.faults} == {
        FaultCode.JOURNAL_RECOVERED,
        FaultCode.EVENTS_REFUSED,  # the seventh, from before
    }
    outbox = Outbox(folder)
    facts = [decode_event(row.event).facts for row in outbox.waiting(0, 10_000)]
    outbox.close()
    assert [one.fault for one in facts if isinstance(one, AlarmFacts)].count("journal_recovered") == 1
    bench.close()


# --- bytes that changed without a trace ---------------------------------------------------------


def test_an_event_whose_bytes_changed_is_not_sent_and_the_ledger_is_told_that_it_is_lost(
    folder: Path,
) -> None:
    by_hand(
        folder / JOURNAL_FILE, "UPDATE records SET event = CAST('{}' AS BLOB) WHERE id & 4294967295 = 101"
    )
    assert waiting(folder) == list(range(102, EVENTS + 1))
    outbox = Outbox(folder)
    (lost,) = outbox.lost([1]).values()
    assert (lost.first, lost.last) == (101, 101)
    outbox.close()
    journal = opened(folder)
    assert journal.outbox() == (EVENTS - 101, 2)
    journal.close()


# --- while it runs ------------------------------------------------------------------------------


def test_a_journal_that_breaks_while_the_station_runs_is_repaired_at_the_next_visit(folder: Path) -> None:
    journal = opened(folder)
    journal.record_visit(visit(), NOON)
    by_hand(folder / JOURNAL_FILE, "PRAGMA wal_checkpoint(TRUNCATE)")
    roots(folder / JOURNAL_FILE)
    journal._database.execute("PRAGMA shrink_memory")  # type: ignore[union-attr]  # noqa: SLF001 (its pages)
    with pytest.raises(JournalError, match="malformed"):
        journal.record_visit(visit(who="unlucky"), NOON)
    journal.record_visit(visit(who="next"), NOON)
    assert journal.mended is not None
    numbers = by_hand(
        folder / JOURNAL_FILE,
        f"SELECT sequence FROM outbox WHERE epoch = '{journal.epoch}' ORDER BY 1",  # noqa: S608
    )
    assert numbers[-1] == (2,), "a number was given twice, or passed over"
    journal.close()


def test_the_sync_process_follows_a_journal_that_was_replaced(folder: Path) -> None:
    outbox = Outbox(folder)
    assert outbox.depth() == EVENTS - 100
    scramble(folder / JOURNAL_FILE, 0, 100)
    journal = opened(folder)
    journal.record_note(ALARM, NOON)
    outbox.follow()
    assert outbox.depth() == EVENTS - 100 + 1
    outbox.note_receipts([EpochReceipt(A, EVENTS, ((7, "malformed"),))])
    assert journal.outbox() == (1, 1)
    outbox.close()
    journal.record_note(ALARM, NOON)
    journal.close()
    assert len(salvage(folder / JOURNAL_FILE).records) == EVENTS + 2


# --- cut off at any step ------------------------------------------------------------------------


class CutOffError(Exception):
    """The power failed."""


@pytest.mark.parametrize("step", range(8))
def test_an_interrupted_repair_is_finished_at_the_next_opening(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    scramble(folder / JOURNAL_FILE, 0, 100)
    left = step

    def maybe(name: str) -> None:
        real = getattr(repair, name)

        def cut(*given: object) -> object:
            nonlocal left
            if left == 0:
                raise CutOffError
            left -= 1
            return real(*given)

        monkeypatch.setattr(repair, name, cut)

    for name in ("salvage", "build", "take_over", "sync_folder", "_exchange", "_set_aside", "_second_name"):
        maybe(name)
    try:
        connection, _ = open_mended(folder, NOW)
        connection.close()
    except CutOffError:
        pass
    monkeypatch.undo()
    opened(folder).close()
    assert len(salvage(folder / JOURNAL_FILE).records) == EVENTS
    assert not (folder / COMPLETE).exists()
    assert list(folder.glob(f".{JOURNAL_FILE}.*")) == []
    assert aside(folder)


def test_two_damaged_journals_of_the_same_second_get_two_names(folder: Path) -> None:
    for _ in range(2):
        scramble(folder / JOURNAL_FILE, 0, 100)
        connection, mended = open_mended(folder, NOW)
        connection.close()
        assert mended is not None
    assert [one.name for one in aside(folder)] == [
        "journal-damaged-20261122T142241Z",
        "journal-damaged-20261122T142241Z-2",
    ]


# --- taking over --------------------------------------------------------------------------------


def test_taking_over_twice_changes_nothing_and_a_contradiction_is_named(folder: Path, tmp_path: Path) -> None:
    found = salvage(folder / JOURNAL_FILE)
    own = open_journal(tmp_path / "own")
    assert take_over(own, found).new == EVENTS
    assert (take_over(own, found).new, take_over(own, found).known) == (0, EVENTS)
    changed = found.records[0]._replace(event=found.records[0].event.replace(b"boot", b"toob"))
    assert take_over(own, Salvaged(None, (changed,), {})).contradicting == 1
    own.close()


def test_events_taken_over_after_a_receipt_wait_for_it_again(folder: Path, tmp_path: Path) -> None:
    found = salvage(folder / JOURNAL_FILE)
    own = tmp_path / "own"
    connection = open_journal(own)
    take_over(connection, Salvaged(None, found.records[250:], {}))
    outbox = Outbox(own)
    outbox.note_receipts([EpochReceipt(A, EVENTS)])
    take_over(connection, Salvaged(None, found.records[100:250], {}))
    assert waiting(own) == list(range(101, 251))
    outbox.note_receipts([EpochReceipt(A, EVENTS)])
    assert waiting(own) == []
    outbox.close()
    connection.close()
