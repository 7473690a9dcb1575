"""How a journal is laid out: as before, whoever began it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge.journal.schema import JOURNAL_FILE, PAGE_BYTES, build, connect, open_journal
from edge.sync.outbox import Outbox
from tests.edge.journal.checks import ALARM, NOON, opened, sound, visit
from tests.edge.workbench import by_hand

LAYOUT_2 = (Path(__file__).parent / "layout_2.sql").read_text("utf-8")
MARKS = {"PRAGMA user_version", "PRAGMA page_size", "PRAGMA journal_mode", "SELECT seconds FROM aged"}
"""What stands in the file beside its schema."""


def of_earlier_release(folder: Path) -> Path:
    """Begin a journal as earlier releases did."""
    folder.mkdir()
    file = folder / JOURNAL_FILE
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(f"BEGIN; {LAYOUT_2} COMMIT;")
    return file


def schema(file: Path) -> dict[str, str]:
    """Give the SQL of each table, index and view by name, without quotes and white space."""
    rows = by_hand(file, "SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema")
    return {str(name): re.sub(r'[\s"]+', "", str(sql)) for name, sql in rows}


def test_a_new_journal_has_the_schema_that_journals_always_had(tmp_path: Path) -> None:
    earlier, new = of_earlier_release(tmp_path / "earlier"), build(tmp_path)
    assert len(schema(earlier)) == 14
    assert schema(new) == schema(earlier)
    for mark in MARKS:
        assert by_hand(new, mark) == by_hand(earlier, mark), mark


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO epochs (epoch, through) VALUES ('e', -1)",
        "INSERT INTO epochs (epoch, heard_s) VALUES ('e', 'noon')",
        "INSERT INTO epochs (epoch) VALUES ('e'), ('e')",
        "INSERT INTO records (event, crc, points) VALUES (x'00', 1, -1)",
        "INSERT INTO records (event, crc, counted) VALUES (x'00', 1, -1)",
        "INSERT INTO records (event, crc) VALUES ('text', 1)",
        "INSERT INTO records (crc) VALUES (1)",
        "INSERT INTO roster VALUES ('c', NULL, 'staff')",
        "INSERT INTO roster VALUES ('c', 'active', 'staff'), ('c', 'blocked', 'staff')",
        "INSERT INTO told VALUES ('f'), ('f')",
        "INSERT INTO owner VALUES ('lane', NULL)",
        "INSERT INTO aged VALUES ('old')",
    ],
)
def test_the_database_itself_refuses_what_no_journal_may_hold(tmp_path: Path, statement: str) -> None:
    file = build(tmp_path)
    with pytest.raises(sqlite3.IntegrityError):
        by_hand(file, statement)


def test_a_journal_of_an_earlier_release_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    file = of_earlier_release(folder)
    before = schema(file)
    journal = opened(folder)
    journal.record_visit(visit(), NOON)
    journal.record_note(ALARM, NOON)
    outbox = Outbox(folder)
    assert outbox.depth() == 2
    outbox.close()
    journal.close()
    assert len(sound(folder)) == 1
    assert schema(file) == before


def test_a_start_that_fails_midway_leaves_no_half_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("sqlite_utils.Database.create_view", refuse)
    with pytest.raises(sqlite3.OperationalError):
        open_journal(tmp_path)
    assert not list(tmp_path.glob("*sqlite3*"))
    monkeypatch.undo()
    with closing(open_journal(tmp_path)) as connection:
        assert connection.execute("SELECT count(*) FROM outbox").fetchone() == (0,)


def test_a_second_opening_changes_nothing(tmp_path: Path) -> None:
    with closing(open_journal(tmp_path)):
        before = schema(tmp_path / JOURNAL_FILE)
    with closing(connect(tmp_path / JOURNAL_FILE)):
        assert schema(tmp_path / JOURNAL_FILE) == before
