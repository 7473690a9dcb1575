"""`tongzhan station check`, as an installer types it."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from config.errors import InputError
from config.sorting import Category
from edge.check.finding import Finding
from edge.journal.schema import claim, open_journal
from edge.loop.clocks import RealClock, boot_id
from edge.readers.last_seen import LastSeenBook
from edge.screen.state import LidPhase, LiveBin, LiveFault, LiveFolder, LiveState, NextAction
from edge.station_file import load_station
from scripts.commands.station.checks import check
from scripts.testbed.ports import free_port
from tests.station.test_composition import BIN, STATION
from tests.station.test_station_command import init

REAL = """
[cloud]
port = {port}

[[reader]]
id = "gate"
port = "{reader}"

[[bin]]
id = "kitchen"
category = "kitchen"
reader = "gate"
[bin.lid]
kind = "h_bridge"
open_pin = 17
close_pin = 27
opened_switch = 22
closed_switch = 23
"""
REPORT_S = 0.2
"""How often a running station's report is written: far within the time after which it counts as old."""


@pytest.fixture
def simulated(tmp_path: Path) -> Path:
    path = tmp_path / "station.toml"
    text = STATION.format(model="") + BIN.format("kitchen")
    path.write_text(f"{text}\n[cloud]\nport = {free_port()}\n", encoding="utf-8")
    return path


def run_check(config: Path, *options: str) -> Result:
    return CliRunner().invoke(check, ["--config", str(config), *options], catch_exceptions=False)


def test_a_station_without_keys_fails_and_prints_the_fix(simulated: Path) -> None:
    (simulated.parent / "state").mkdir()
    done = run_check(simulated, "--language", "en")
    assert done.exit_code == 1
    line = next(line for line in done.stdout.splitlines() if "keys" in line)
    assert line.startswith("✗ failed")
    assert "tongzhan station enrol" in line


def test_a_simulated_station_passes_even_if_its_broker_is_away(simulated: Path) -> None:
    init(simulated)
    done = run_check(simulated, "--json", "--language", "en")
    printed = json.loads(done.stdout)
    assert printed["ok"] is True, printed
    assert done.exit_code == 0
    states = {part["part"]: part["state"] for part in printed["parts"]}
    assert states["broker"] == "doubtful"
    assert states["model"] in {"ok", "doubtful"}
    assert states["devices"] == "ok"
    assert all(list(part) == ["part", "state", "seen", "mend"] for part in printed["parts"])


def test_drivers_and_libraries_log_nothing_during_the_check_and_log_again_afterwards(
    simulated: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def loud(*_: object) -> list[Finding]:
        logging.getLogger("edge.eye.camera").error("a driver's complaint")
        return []

    monkeypatch.setattr("scripts.commands.station.checks.look", loud)
    with caplog.at_level(logging.DEBUG):
        run_check(simulated)
        assert caplog.text == ""
        logging.getLogger("edge").error("later")
    assert "later" in caplog.text


def test_the_check_uses_the_stations_language_and_an_icon_and_a_word_for_each_state(simulated: Path) -> None:
    init(simulated)
    chinese = run_check(simulated).stdout
    assert "✓ 正常" in chinese
    assert "识别模型" in chinese
    assert "! 注意" in chinese


@contextmanager
def running(folder: Path, *faults: LiveFault) -> Iterator[None]:
    """Write the report of a station that has these faults, again and again as a running one does."""
    bins = (LiveBin("kitchen", Category.KITCHEN, LidPhase.SHUT, faulty=False, full=False),)
    reports, over = LiveFolder(folder), threading.Event()

    def write() -> None:
        reports.write_state(
            LiveState(
                community="lane-9",
                station="gate",
                written_s=time.time(),
                next=NextAction.TAP,
                bins=bins,
                verdict=None,
                said=None,
                points=None,
                faults=faults,
                picture=0,
                outbox=0,
            )
        )

    def go_on() -> None:
        while not over.wait(REPORT_S):
            write()

    write()
    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_running_station_with_another_ones_journal_is_not_told_to_free_space(
    tmp_path: Path, simulated: Path
) -> None:
    init(simulated)
    with closing(open_journal(Path(load_station(simulated).station.state_dir))) as journal:
        claim(journal, "lane-9", "other-gate")
    with running(tmp_path / "run", LiveFault("journal_failed", "journal")):
        printed = json.loads(run_check(simulated, "--json", "--language", "en").stdout)
    (failed,) = [part for part in printed["parts"] if part["state"] == "failed"]
    assert "other-gate" in failed["seen"]
    assert not any("Free space" in part["mend"] for part in printed["parts"])


def test_a_running_station_is_judged_by_its_own_report(tmp_path: Path, simulated: Path) -> None:
    init(simulated)
    (tmp_path / "run").mkdir()
    LastSeenBook(tmp_path / "run", boot_id(), RealClock()).note("at-kitchen")
    with running(tmp_path / "run", LiveFault("lid_stuck_shut", "kitchen")):
        printed = json.loads(run_check(simulated, "--json", "--language", "en").stdout)
    lid = next(part for part in printed["parts"] if part["part"] == "lid kitchen")
    assert lid["state"] == "failed"
    assert "open switch" in lid["seen"]
    assert printed["ok"] is False
    assert any("running" in part["seen"] for part in printed["parts"])
    reader = next(part for part in printed["parts"] if part["part"] == "reader at-kitchen")
    assert (reader["state"], "it last sent data at" in reader["seen"]) == ("ok", True)


def test_a_configuration_that_cannot_be_read_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        run_check(tmp_path / "none.toml")


def test_pins_that_cannot_be_claimed_are_a_failed_part_with_the_fix(simulated: Path) -> None:
    init(simulated)
    text = simulated.read_text(encoding="utf-8")
    head = text[: text.index("[[")].replace('"simulated"', '"real"')
    head = head[: head.index("[model]")] if "[model]" in head else head
    simulated.write_text(head + REAL.format(port=free_port(), reader="/dev/no-such-port"), encoding="utf-8")
    done = run_check(simulated, "--json", "--language", "en")
    failed = [part for part in json.loads(done.stdout)["parts"] if part["state"] == "failed"]
    assert failed
    assert all(part["mend"] for part in failed)
    assert done.exit_code == 1
    assert msgspec.json.decode(done.stdout)["ok"] is False
