"""Which events wait for a receipt, are queued again, are refused, or may be deleted."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud_sync.wire.envelope import MAX_RECEIPT_EPOCHS, EpochReceipt, decode_event
from edge.journal.schema import JOURNAL_FILE
from edge.journal.store import SqliteJournal
from edge.sync.outbox import Outbox
from edge.sync.receipting import NAMED_AT_MOST, Noted
from tests.edge.journal.checks import ALARM, NOON, opened, visit
from tests.edge.workbench import by_hand, rows

A, B = "a" * 16, "b" * 16
NOTHING = Noted(0, 0, ())
THIRTY_DAYS_S = 30 * 86_400.0


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    made = opened(tmp_path, A)
    yield made
    made.close()


@pytest.fixture
def outbox(journal: SqliteJournal, tmp_path: Path) -> Iterator[Outbox]:
    """An outbox of five visits of epoch A."""
    for _ in range(5):
        journal.record_visit(visit(), NOON)
    made = Outbox(tmp_path)
    yield made
    made.close()


def waiting(outbox: Outbox) -> list[tuple[str, int]]:
    events = [decode_event(row.event) for row in outbox.waiting(0, 1_000)]
    return [(event.epoch, event.sequence) for event in events]


def of_epoch(epoch: str, *sequences: int) -> list[tuple[str, int]]:
    return [(epoch, sequence) for sequence in sequences]


def add_epoch(folder: Path, epoch: str = B, events: int = 2) -> None:
    journal = opened(folder, epoch)
    for _ in range(events):
        journal.record_note(ALARM, NOON)
    journal.close()


# --- waiting ------------------------------------------------------------------------------------


def test_waiting_events_are_read_in_the_order_of_writing_and_in_parts(outbox: Outbox) -> None:
    first = outbox.waiting(0, 2)
    rest = outbox.waiting(first[-1].id, 100)
    assert [decode_event(row.event).sequence for row in first + rest] == [1, 2, 3, 4, 5]
    assert (outbox.depth(), outbox.oldest()) == (5, first[0].id)


def test_an_empty_outbox_has_no_oldest_row(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    assert (outbox.waiting(0, 10), outbox.depth(), outbox.oldest()) == ([], 0, None)
    outbox.close()


def test_an_events_bytes_never_change(outbox: Outbox) -> None:
    before = outbox.waiting(0, 10)
    outbox.note_receipts([EpochReceipt(A, 5)])
    outbox.note_receipts([EpochReceipt(A, 0)])
    assert outbox.waiting(0, 10) == before


# --- receipts -----------------------------------------------------------------------------------


def test_a_receipt_covers_its_epoch_up_to_its_number(outbox: Outbox, tmp_path: Path) -> None:
    add_epoch(tmp_path)
    outbox.note_receipts([EpochReceipt(A, 3)])
    assert waiting(outbox) == of_epoch(A, 4, 5) + of_epoch(B, 1, 2)
    outbox.note_receipts([EpochReceipt(B, 1), EpochReceipt(A, 5)])
    assert waiting(outbox) == of_epoch(B, 2)


def test_the_same_receipt_again_changes_nothing(outbox: Outbox, tmp_path: Path) -> None:
    outbox.note_receipts([EpochReceipt(A, 3)])
    before = by_hand(tmp_path / JOURNAL_FILE, "SELECT * FROM outbox")
    outbox.note_receipts([EpochReceipt(A, 3)])
    assert by_hand(tmp_path / JOURNAL_FILE, "SELECT * FROM outbox") == before


def test_events_that_a_restored_ledger_lost_are_queued_again(outbox: Outbox) -> None:
    outbox.note_receipts([EpochReceipt(A, 5)])
    outbox.note_receipts([EpochReceipt(A, 2)])
    assert waiting(outbox) == of_epoch(A, 3, 4, 5)


def test_an_epoch_unknown_to_a_restored_ledger_is_queued_again(outbox: Outbox, tmp_path: Path) -> None:
    add_epoch(tmp_path)
    outbox.note_receipts([EpochReceipt(B, 2), EpochReceipt(A, 5)])
    assert waiting(outbox) == []
    outbox.note_receipts([EpochReceipt(A, 5)])
    assert waiting(outbox) == of_epoch(B, 1, 2)
    outbox.note_receipts([])
    assert waiting(outbox) == of_epoch(A, 1, 2, 3, 4, 5) + of_epoch(B, 1, 2)


def test_an_epoch_too_old_to_be_named_is_not_queued_again(outbox: Outbox) -> None:
    outbox.note_receipts([EpochReceipt(A, 5)])
    outbox.grow_older(THIRTY_DAYS_S)
    outbox.note_receipts([EpochReceipt(B, 9)])
    assert waiting(outbox) == []


@pytest.mark.parametrize(("days", "waits"), [(24.9, 5), (25.1, 0)])
def test_a_receipt_may_have_come_up_to_five_days_after_the_event(
    outbox: Outbox, days: float, waits: int
) -> None:
    outbox.note_receipts([EpochReceipt(A, 5)])
    outbox.grow_older(days * 86_400)
    outbox.note_receipts([])
    assert len(waiting(outbox)) == waits


def test_a_receipt_that_had_no_room_for_every_epoch_takes_nothing_back(outbox: Outbox) -> None:
    outbox.note_receipts([EpochReceipt(A, 5)])
    others = [EpochReceipt(f"{number:016x}", 1) for number in range(MAX_RECEIPT_EPOCHS)]
    outbox.note_receipts(others)
    assert waiting(outbox) == []
    outbox.note_receipts(others[1:])
    assert waiting(outbox) == of_epoch(A, 1, 2, 3, 4, 5)


def test_a_restored_ledger_gets_back_a_day_with_more_restarts_than_a_receipt_names(
    tmp_path: Path,
) -> None:
    names = [f"{number:016x}" for number in range(1, 2 * MAX_RECEIPT_EPOCHS)]
    for name in names:
        journal = opened(tmp_path, name)
        journal.record_visit(visit(), NOON)
        journal.close()
    outbox = Outbox(tmp_path)
    taken: dict[str, None] = {}  # what the ledger has, in the order it last heard of it

    def tell() -> None:
        latest = list(reversed(taken))[:MAX_RECEIPT_EPOCHS]
        outbox.note_receipts([EpochReceipt(name, 1) for name in latest])

    def settle() -> None:
        for _ in range(20):
            for row in outbox.waiting(0, 1000):
                name = decode_event(row.event).epoch
                taken.pop(name, None)
                taken[name] = None
                tell()
            if outbox.depth() == 0:
                return

    settle()
    assert list(taken) == names
    for lost in names[MAX_RECEIPT_EPOCHS + 20 :]:
        del taken[lost]
    tell()
    assert outbox.depth() == len(names) - MAX_RECEIPT_EPOCHS - 20
    settle()
    assert set(taken) == set(names)
    assert outbox.depth() == 0
    outbox.close()


def test_a_receipt_of_another_stations_epoch_touches_nothing(outbox: Outbox) -> None:
    assert outbox.note_receipts([EpochReceipt(B, 99, ((3, "unreadable"),))]) == NOTHING
    assert len(waiting(outbox)) == 5


# --- refusals -----------------------------------------------------------------------------------


def test_a_refused_event_is_reported_once(outbox: Outbox, journal: SqliteJournal) -> None:
    receipt = EpochReceipt(A, 4, ((2, "unreadable"), (4, "conflict")))
    assert outbox.note_receipts([receipt]).refused == ((A, 2, "unreadable"), (A, 4, "conflict"))
    assert outbox.note_receipts([receipt]).refused == ()
    assert waiting(outbox) == of_epoch(A, 5)
    assert journal.outbox() == (1, 2)


def test_a_refused_event_that_the_ledger_applied_later_is_no_longer_refused(
    outbox: Outbox, journal: SqliteJournal
) -> None:
    outbox.note_receipts([EpochReceipt(A, 4, ((2, "unreadable"), (4, "conflict")))])
    outbox.note_receipts([EpochReceipt(A, 4, ((4, "conflict"),))])
    assert journal.outbox() == (1, 1)
    outbox.note_receipts([EpochReceipt(A, 3)])  # an old receipt says nothing of the fourth
    assert journal.outbox() == (2, 0)
    assert outbox.note_receipts([EpochReceipt(A, 4)]).refused == ()


def test_a_receipt_without_room_for_all_refusals_clears_none(outbox: Outbox, journal: SqliteJournal) -> None:
    outbox.note_receipts([EpochReceipt(A, 4, ((2, "unreadable"),))])
    full = EpochReceipt("e" * 16, 5000, tuple((number, "conflict") for number in range(1, NAMED_AT_MOST + 1)))
    outbox.note_receipts([EpochReceipt(A, 4), full])
    assert journal.outbox() == (1, 1)


def test_a_refusal_beyond_the_contiguous_part_is_reported_once_and_still_waits(outbox: Outbox) -> None:
    receipt = EpochReceipt(A, 1, ((3, "unreadable"),))
    assert outbox.note_receipts([receipt]).refused == ((A, 3, "unreadable"),)
    assert outbox.note_receipts([receipt]).refused == ()
    assert waiting(outbox) == of_epoch(A, 2, 3, 4, 5)


def test_a_refusal_that_a_restored_ledger_forgot_is_forgotten_here_too(
    outbox: Outbox, journal: SqliteJournal
) -> None:
    outbox.note_receipts([EpochReceipt(A, 5, ((2, "unreadable"),))])
    outbox.note_receipts([EpochReceipt(A, 1)])
    assert journal.outbox() == (4, 0)
    assert outbox.note_receipts([EpochReceipt(A, 5, ((2, "unreadable"),))]).refused == ((A, 2, "unreadable"),)


# --- forgetting ---------------------------------------------------------------------------------


def test_receipted_events_stay_thirty_days_and_then_go_with_their_visits(
    outbox: Outbox, tmp_path: Path
) -> None:
    file = tmp_path / JOURNAL_FILE
    outbox.note_receipts([EpochReceipt(A, 3)])
    outbox.grow_older(THIRTY_DAYS_S)
    assert outbox.prune() == 0
    outbox.grow_older(1)
    assert outbox.prune() == 3
    assert waiting(outbox) == of_epoch(A, 4, 5)
    assert [rows(file, table) for table in ("outbox", "visits", "awards")] == [2, 2, 2]


def test_a_refused_event_is_never_deleted(outbox: Outbox, tmp_path: Path) -> None:
    outbox.note_receipts([EpochReceipt(A, 5, ((2, "unreadable"),))])
    outbox.grow_older(10 * THIRTY_DAYS_S)
    assert outbox.prune() == 4
    assert by_hand(tmp_path / JOURNAL_FILE, "SELECT sequence FROM visits") == [(2,)]


def test_a_waiting_event_is_never_deleted(outbox: Outbox) -> None:
    outbox.grow_older(10 * THIRTY_DAYS_S)
    assert outbox.prune() == 0


def test_no_epoch_number_is_reused_after_pruning(outbox: Outbox, journal: SqliteJournal) -> None:
    outbox.note_receipts([EpochReceipt(A, 5)])
    outbox.grow_older(2 * THIRTY_DAYS_S)
    outbox.prune()
    journal.record_visit(visit(), NOON)
    assert waiting(outbox) == of_epoch(A, 6)


def test_a_receipt_that_a_failing_disk_interrupted_can_be_noted_again(outbox: Outbox, tmp_path: Path) -> None:
    add_epoch(tmp_path)
    by_hand(
        tmp_path / JOURNAL_FILE,
        "CREATE TRIGGER no BEFORE UPDATE ON records WHEN NEW.id > (2 << 32)"
        " BEGIN SELECT RAISE(ABORT, 'worn out'); END",
    )
    receipt = [EpochReceipt(A, 5), EpochReceipt(B, 2)]
    with pytest.raises(sqlite3.Error, match="worn out"):
        outbox.note_receipts(receipt)
    assert set(waiting(outbox)) >= set(of_epoch(B, 1, 2))
    by_hand(tmp_path / JOURNAL_FILE, "DROP TRIGGER no")
    outbox.note_receipts(receipt)
    assert waiting(outbox) == []


# --- how it is asked ----------------------------------------------------------------------------


def plans(outbox: Outbox, do: Callable[[], object]) -> list[str]:
    """Return SQLite's plan of each query that `do` makes."""
    connection = outbox._database  # noqa: SLF001 (its own statements, not a copy of them)
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    do()
    connection.set_trace_callback(None)
    questions = [one for one in asked if one.startswith(("SELECT", "UPDATE records", "DELETE"))]
    return [
        f"{question}: {step[3]}"
        for question in questions
        for step in connection.execute(f"EXPLAIN QUERY PLAN {question}").fetchall()
        if "records" in step[3]
    ]


def test_no_query_of_sync_scans_a_month_of_rows(outbox: Outbox) -> None:
    found = plans(outbox, lambda: outbox.waiting(2, 10))
    found += plans(outbox, outbox.depth)
    found += plans(outbox, outbox.oldest)
    found += plans(outbox, lambda: outbox.lost([1]))
    found += plans(outbox, lambda: outbox.note_receipts([EpochReceipt(A, 4, ((2, "unreadable"),))]))
    found += plans(outbox, lambda: outbox.note_receipts([EpochReceipt(A, 2)]))
    found += plans(outbox, outbox.prune)
    assert len(found) >= 7
    assert [one for one in found if "SCAN" in one] == []


def test_no_query_of_the_station_scans_a_month_of_rows(journal: SqliteJournal) -> None:
    connection = journal._database  # noqa: SLF001 (its own statements, not a copy of them)
    assert connection is not None
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    journal.record_visit(visit(), NOON)
    journal.outbox()
    connection.set_trace_callback(None)
    questions = [one for one in asked if one.startswith("SELECT")]
    plan = [
        str(step[3])
        for one in questions
        for step in connection.execute(f"EXPLAIN QUERY PLAN {one}").fetchall()
    ]
    assert len(questions) >= 2
    # A count of what is refused walks that one small index.
    harmless = ("SCAN CONSTANT ROW", "INDEX records_refused")
    assert [step for step in plan if "SCAN" in step and not any(one in step for one in harmless)] == []
