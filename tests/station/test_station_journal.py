"""`tongzhan station export` and `recover`: the journal of a dead station, as one with its card types it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cloud_sync.wire.envelope import EpochReceipt
from edge.journal.schema import JOURNAL_FILE
from edge.sync.outbox import Outbox
from scripts.cli import run
from tests.edge.journal.checks import ALARM, NOON, opened, visit
from tests.station.test_composition import BIN, STATION

A = "a" * 16


@pytest.fixture
def dead(tmp_path: Path) -> Path:
    """Give the state folder of a station that recorded three visits and an alarm, and then died."""
    folder = tmp_path / "card"
    journal = opened(folder, A)
    for number in range(3):
        journal.record_visit(visit(2, who=f"card {number}"), NOON)
    journal.record_alarm(ALARM, NOON)
    outbox = Outbox(folder)
    outbox.note_receipts([EpochReceipt(A, 2, ((2, "malformed"),))])
    outbox.close()
    journal.close()
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "station.toml"
    path.write_text(STATION.format(model="") + BIN.format("kitchen"), encoding="utf-8")
    return path


def told(capsys: pytest.CaptureFixture[str]) -> Any:  # noqa: ANN401 (whatever JSON says)
    return json.loads(capsys.readouterr().out)


def test_every_event_of_a_dead_station_is_listed(dead: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {file.name: file.read_bytes() for file in dead.iterdir()}
    assert run(["station", "export", "--journal", str(dead), "--json"]) == 0
    listed = told(capsys)
    assert (listed["damage"], listed["waiting"]) == (None, 2)
    events = [
        (one["epoch"], one["sequence"], one["kind"], one["state"], one["points"]) for one in listed["events"]
    ]
    assert events == [
        (A, 1, "visit", "receipted", 2),
        (A, 2, "visit", "refused", 2),
        (A, 3, "visit", "waiting", 2),
        (A, 4, "alarm", "waiting", None),
    ]
    assert {file.name: file.read_bytes() for file in dead.iterdir()} == before, "the card was written to"


def test_the_list_of_a_damaged_journal_says_what_is_wrong(
    dead: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = dead / JOURNAL_FILE
    file.write_bytes(b"x" * 100 + file.read_bytes()[100:])
    assert run(["station", "export", "--journal", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert lines[1].endswith("refused: malformed")
    assert lines[-1].startswith("4 events, 2 without a receipt")
    assert lines[-1].endswith("file is not a database")


def test_events_of_a_card_are_taken_over_once_and_wait_to_be_sent(
    dead: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for new in (4, 0):
        assert run(["station", "recover", "--journal", str(dead), "--config", str(config), "--json"]) == 0
        taken = told(capsys)
        assert (taken["read"], taken["new"], taken["known"], taken["contradicting"]) == (4, new, 4 - new, 0)
    outbox = Outbox(config.parent / "state")
    assert outbox.depth() == 2
    outbox.close()


def test_taking_over_says_nothing_of_the_rights_of_copies_that_it_makes_itself(
    dead: Path, config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = os.umask(0o022)
    try:
        assert run(["station", "recover", "--journal", str(dead), "--config", str(config)]) == 0
    finally:
        os.umask(before)
    assert "read by anybody" not in caplog.text


def test_events_of_another_station_are_not_taken_over(
    dead: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outbox = Outbox(dead)
    outbox.claim("lane", "another")
    outbox.close()
    assert run(["station", "recover", "--journal", str(dead), "--config", str(config)]) == 2
    assert "holds events of station lane/another" in capsys.readouterr().err
    assert not (config.parent / "state").exists()


def test_a_card_without_a_journal_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["station", "export", "--journal", str(tmp_path)]) == 2
    assert str(tmp_path / JOURNAL_FILE) in capsys.readouterr().err
