"""What the soak reads from journals, while they are in use and after."""

from __future__ import annotations

from pathlib import Path

from cloud_sync.wire.envelope import EpochReceipt
from edge.sync.outbox import Outbox
from scripts.soak.journals import depth, read_journal, written
from tests.edge.builders import card
from tests.edge.journal.checks import ALARM, NOON, opened, visit

EPOCH = "a" * 16


def test_every_event_is_read_with_its_award_while_the_journal_is_in_use(tmp_path: Path) -> None:
    journal = opened(tmp_path, EPOCH)
    journal.record_visit(visit(2), NOON)
    journal.record_note(ALARM, NOON)
    journal.record_visit(visit(1, who="li"), NOON)
    read = read_journal(tmp_path, "north")
    journal.close()
    assert list(read.rows) == [("north", EPOCH, 1), ("north", EPOCH, 2), ("north", EPOCH, 3)]
    first, second, third = read.rows.values()
    assert (first.points, first.card) == (2, card("zhang"))
    assert (second.points, second.card) == (None, None)
    assert (third.points, third.card) == (1, card("li"))
    assert len({first.digest, second.digest, third.digest}) == 3
    assert not read.gone


def test_receipts_are_read_and_counted(tmp_path: Path) -> None:
    journal = opened(tmp_path, EPOCH)
    for _ in range(3):
        journal.record_visit(visit(), NOON)
    journal.close()
    outbox = Outbox(tmp_path)
    outbox.note_receipts([EpochReceipt(EPOCH, 2)])
    outbox.close()
    rows = read_journal(tmp_path, "north", gone=True).rows.values()
    assert [row.receipted for row in rows] == [True, True, False]
    assert (written(tmp_path), depth(tmp_path)) == (3, 1)


def test_a_station_without_a_journal_has_nothing(tmp_path: Path) -> None:
    assert read_journal(tmp_path, "north").rows == {}
    assert written(tmp_path) == depth(tmp_path) == 0
