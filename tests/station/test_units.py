"""The systemd units that ship: systemd itself reads them, and says how much they leave open."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge.keeper.process import LONGEST_STOP_S
from scripts.commands.station import station
from tests.waiting import COMMAND_WITHIN_S

UNITS = Path(__file__).resolve().parents[2] / "scripts" / "systemd"
PROGRAM = "/opt/tongzhan/current/venv/bin/tongzhan"
SERVICES = {"lids": "lids", "station": "run", "sync": "sync", "panel": "panel"}
MOST_EXPOSURE = 20
"""Of 100, by systemd's own measure; an ordinary service has 96."""


def unit(name: str) -> Path:
    return UNITS / f"tongzhan-{name}.service"


def service(name: str) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    parser.read(unit(name), encoding="utf-8")
    return parser["Service"]


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze; install it: sudo apt-get install systemd")
    return subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=COMMAND_WITHIN_S, check=False
    )


def test_there_is_a_unit_for_each_process_and_each_is_one_of_tongzhans_commands() -> None:
    assert {path.name for path in UNITS.glob("*.service")} == {unit(name).name for name in SERVICES}
    for name, command in SERVICES.items():
        start = service(name)["ExecStart"].split()
        assert start == [PROGRAM, "station", command, "--config", "/etc/tongzhan/station.toml"]
        assert command in station.commands


@pytest.mark.parametrize("name", SERVICES)
def test_systemd_finds_nothing_to_complain_of(tmp_path: Path, name: str) -> None:
    for path in UNITS.glob("*.service"):  # they name each other
        text = path.read_text(encoding="utf-8").replace(PROGRAM, sys.executable)
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    done = analyze("verify", "--man=no", str(tmp_path / unit(name).name))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_leaves_little_open(name: str) -> None:
    done = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSURE}", str(unit(name)))
    assert done.returncode == 0, done.stdout[-400:] + done.stderr


def test_a_killed_keeper_is_back_at_once_and_its_motors_are_stopped_meanwhile() -> None:
    keeper = service("lids")
    assert keeper["ExecStopPost"].split()[:4] == [f"-{PROGRAM}", "station", "lids", "--release"]
    assert (keeper["Restart"], keeper["RestartSec"]) == ("always", "100ms")


def test_a_keeper_is_not_killed_while_its_lids_still_shut() -> None:
    keeper = service("lids")
    assert float(keeper["TimeoutStopSec"]) > LONGEST_STOP_S
    assert keeper["KillMode"] == "mixed"


@pytest.mark.parametrize("name", ["lids", "station", "sync"])
def test_a_service_that_hangs_is_started_again(name: str) -> None:
    assert service(name)["Type"] == "notify"
    assert float(service(name)["WatchdogSec"]) > 0
    assert service(name)["Restart"] == "always"
