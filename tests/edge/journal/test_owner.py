"""A journal's owner is written with its first record, so that no other station can use a copy."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from edge.journal.store import SqliteJournal
from edge.ports import JournalError
from edge.sync.outbox import Outbox
from tests.edge.builders import RULES
from tests.edge.journal.checks import ALARM, NOON, SHANGHAI, visit

EAST, WEST = ("sunny-garden", "east-gate"), ("sunny-garden", "west-gate")


def journal_of(owner: tuple[str, str], folder: Path, epoch: str = "a" * 16) -> SqliteJournal:
    return SqliteJournal(folder, epoch, RULES, SHANGHAI, owner)


def test_a_journal_belongs_to_its_station_from_the_first_record_on(tmp_path: Path) -> None:
    with closing(journal_of(EAST, tmp_path)) as journal:
        journal.record_note(ALARM, NOON)
    with closing(Outbox(tmp_path)) as outbox:
        assert outbox.claim(*WEST) == EAST


def test_a_journal_without_a_record_belongs_to_nobody(tmp_path: Path) -> None:
    journal_of(EAST, tmp_path).close()
    with closing(Outbox(tmp_path)) as outbox:
        assert outbox.claim(*WEST) == WEST


def test_a_copied_journal_refuses_another_stations_records_and_names_its_owner(tmp_path: Path) -> None:
    with closing(journal_of(EAST, tmp_path / "east")) as journal:
        journal.record_visit(visit(), NOON)
    shutil.copytree(tmp_path / "east", tmp_path / "west")
    with closing(journal_of(WEST, tmp_path / "west", "b" * 16)) as copy:
        with pytest.raises(JournalError, match="events of station sunny-garden/east-gate"):
            copy.record_visit(visit(), NOON)
        assert copy.outbox() == (1, 0)


def test_a_station_goes_on_with_its_own_journal(tmp_path: Path) -> None:
    for epoch in ("a" * 16, "b" * 16):
        with closing(journal_of(EAST, tmp_path, epoch)) as journal:
            journal.record_visit(visit(), NOON)
    with closing(Outbox(tmp_path)) as outbox:
        assert (outbox.depth(), outbox.claim(*EAST)) == (2, EAST)
