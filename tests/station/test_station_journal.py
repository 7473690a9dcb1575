"""`tongzhan station export` and `recover`: the journal of a dead station, as one with its card types it."""

from __future__ import annotations

import csv
import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from cloud_sync.wire.envelope import EpochReceipt
from edge.journal.schema import JOURNAL_FILE
from edge.sync.outbox import KEPT_S, Outbox
from edge.sync.receipting import STEP
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
    journal.record_note(ALARM, NOON)
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


def test_the_events_of_some_days_are_written_as_csv_with_short_cards_into_a_private_file(
    dead: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "events.csv"
    export = ["station", "export", "--journal", str(dead), "--format", "csv", "--timezone", "Asia/Shanghai"]
    assert run([*export, "--kind", "visit", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}: 3 events\n"
    assert out.stat().st_mode & 0o777 == 0o600
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert [(row["sequence"], row["points"], row["deposits"]) for row in rows] == [
        (str(number), "2", "2") for number in (1, 2, 3)
    ]
    assert {len(row["card"]) for row in rows} == {12}
    day = datetime.fromtimestamp(NOON.wall_s, ZoneInfo("Asia/Shanghai")).date()
    for bounds, count in ((["--from", str(day)], 4), (["--to", str(day - timedelta(days=1))], 0)):
        assert run([*export[:-4], "--format", "jsonl", "--timezone", "Asia/Shanghai", *bounds]) == 0
        assert len(capsys.readouterr().out.splitlines()) == count


def test_an_alarm_is_exported_with_its_fault(dead: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["station", "export", "--journal", str(dead), "--format", "jsonl", "--kind", "alarm"]) == 0
    alarm = told(capsys)
    assert (alarm["fault"], alarm["part"], alarm["raised"], alarm["card"]) == (
        "lid_forced",
        "kitchen",
        True,
        None,
    )


def test_a_time_zone_that_nobody_knows_is_named(dead: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["station", "export", "--journal", str(dead), "--timezone", "Mars/Olympus"]) == 2
    assert capsys.readouterr().err == "error: no time zone 'Mars/Olympus'; name one like Asia/Shanghai\n"


def test_a_dry_run_says_what_a_recovery_then_does_and_writes_nothing(
    dead: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recover = ["station", "recover", "--journal", str(dead), "--config", str(config), "--json"]
    assert run([*recover, "--dry-run"]) == 0
    first = told(capsys)
    assert (first["new"], first["known"], first["dry_run"]) == (4, 0, True)
    assert not (config.parent / "state" / JOURNAL_FILE).exists()
    assert run(recover) == 0
    assert told(capsys)["new"] == 4
    assert run([*recover, "--dry-run"]) == 0
    again = told(capsys)
    assert (again["new"], again["known"], again["contradicting"]) == (0, 4, 0)


def test_a_broken_journal_is_recovered_into_a_new_one_in_another_folder(
    dead: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = dead / JOURNAL_FILE
    file.write_bytes(b"no header" + file.read_bytes()[9:])
    recover = ["station", "recover", "--journal", str(dead), "--into", str(tmp_path / "new"), "--json"]
    assert run(recover) == 0
    assert told(capsys)["new"] == 4
    assert run(["station", "export", "--journal", str(tmp_path / "new"), "--json"]) == 0
    assert (len(told(capsys)["events"])) == 4
    assert run(recover) == 2
    assert "has a journal already" in capsys.readouterr().err


def test_a_recovery_without_a_place_or_with_two_is_refused(
    dead: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for places in ([], ["--config", str(config), "--into", str(dead)]):
        assert run(["station", "recover", "--journal", str(dead), *places]) == 2
        assert "give --config FILE or --into FOLDER" in capsys.readouterr().err


def test_maintenance_forgets_what_is_old_and_never_what_waits(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = config.parent / "state"
    assert run(["station", "maintain", "--config", str(config)]) == 2
    assert "no journal in" in capsys.readouterr().err
    journal = opened(state, A)
    for number in range(STEP + 9):
        journal.record_note(msgspec.structs.replace(ALARM, part=f"bin {number}"), NOON)
    journal.close()
    outbox = Outbox(state)
    outbox.note_receipts([EpochReceipt(A, STEP + 7)])
    outbox.grow_older(2 * KEPT_S)
    outbox.close()
    assert run(["station", "maintain", "--config", str(config), "--vacuum", "--json"]) == 0
    done = told(capsys)
    assert done["forgotten"] == STEP + 7
    assert done["bytes_after"] < done["bytes_before"]
    assert run(["station", "export", "--journal", str(state), "--json"]) == 0
    assert len(told(capsys)["events"]) == 2
