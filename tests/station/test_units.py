"""The systemd units that ship: systemd itself reads them, and says how much they leave open."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cloud_sync.service.web.gate import Bounds
from edge.lids.process import LONGEST_STOP_S
from scripts.commands.ledger import ledger
from scripts.commands.station import COMMANDS
from tests.waiting import COMMAND_WITHIN_S

UNITS = Path(__file__).resolve().parents[2] / "scripts" / "systemd"
PROGRAM = "/opt/tongzhan/current/venv/bin/tongzhan"
SERVICES = {"lids": "lids", "eye": "eye", "station": "run", "sync": "sync", "panel": "panel"}
LEDGER = {"ledger/tongzhan-ingest@": "ingest", "ledger/tongzhan-serve": "serve"}
ROOTS = {"ledger/tongzhan-broker": "broker"}
"""Mosquitto's files are its own, so what writes them is root."""
ALL = [*(f"tongzhan-{name}" for name in SERVICES), *LEDGER, *ROOTS]
MOST_EXPOSURE = 20
"""Of 100, by systemd's own measure; an ordinary service has 96."""
MOST_OF_ROOT = 24
"""Of a service that runs as root, which alone counts."""


def unit(name: str) -> Path:
    return UNITS / f"tongzhan-{name}.service"


def service(name: str) -> configparser.SectionProxy:
    return section(unit(name))


def section(file: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    parser.read(file, encoding="utf-8")
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
        assert command in COMMANDS


def test_the_ledgers_units_are_its_commands_and_run_as_a_user_of_their_own() -> None:
    files = {str(file.relative_to(UNITS)) for file in UNITS.glob("ledger/*.service")}
    assert files == {f"{name}.service" for name in (*LEDGER, *ROOTS)}
    for name, command in LEDGER.items():
        told = section(UNITS / f"{name}.service")
        program, *words = told["ExecStart"].split()
        assert (program, words[:2]) == ("/opt/tongzhan/venv/bin/tongzhan", ["ledger", command])
        assert words[-2:] == ["--config", "/etc/tongzhan/ledger.toml"]
        assert command in ledger.commands
        assert (told["User"], told["StateDirectory"]) == ("tongzhan-ledger", "tongzhan-ledger")
        assert int(told["LimitNOFILE"]) >= 2 * Bounds().connections


@pytest.mark.parametrize("name", ALL)
def test_systemd_finds_nothing_to_complain_of(tmp_path: Path, name: str) -> None:
    for path in UNITS.rglob("*.service"):  # they name each other
        text = re.sub(r"/opt/tongzhan/(current/)?venv/bin/tongzhan", sys.executable, path.read_text("utf-8"))
        (tmp_path / path.name.replace("@", "@one")).write_text(text, encoding="utf-8")
    file = tmp_path / f"{Path(name).name.replace('@', '@one')}.service"
    done = analyze("verify", "--man=no", str(file))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_takes_mosquittos_drop_in(tmp_path: Path) -> None:
    (tmp_path / "mosquitto.service").write_text("[Service]\nExecStart=/bin/false\n", encoding="utf-8")
    drop_in = tmp_path / "mosquitto.service.d"
    drop_in.mkdir()
    text = (UNITS / "ledger/mosquitto.service.d/tongzhan.conf").read_text(encoding="utf-8")
    (drop_in / "tongzhan.conf").write_text(text.replace("/usr/sbin/mosquitto", sys.executable), "utf-8")
    done = analyze("verify", "--man=no", str(tmp_path / "mosquitto.service"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "LimitNOFILE=65536" in text.splitlines()


@pytest.mark.parametrize("name", ALL)
def test_a_unit_leaves_little_open(name: str) -> None:
    file = UNITS / f"{name}.service"
    most = MOST_OF_ROOT if name in ROOTS else MOST_EXPOSURE
    done = analyze("security", "--offline=true", f"--threshold={most}", str(file))
    assert done.returncode == 0, done.stdout[-400:] + done.stderr


@pytest.mark.parametrize("name", ALL)
def test_what_a_unit_makes_nobody_else_can_read(name: str) -> None:
    told = section(UNITS / f"{name}.service")
    assert told["UMask"] == "0077"
    assert told.get("StateDirectoryMode", "0700") == told.get("RuntimeDirectoryMode", "0700") == "0700"


def test_a_killed_keeper_is_back_at_once_and_its_motors_are_stopped_meanwhile() -> None:
    keeper = service("lids")
    assert keeper["ExecStopPost"].split()[:4] == [f"-{PROGRAM}", "station", "lids", "--release"]
    assert (keeper["Restart"], keeper["RestartSec"]) == ("always", "100ms")


def test_a_keeper_is_not_killed_while_its_lids_still_shut() -> None:
    keeper = service("lids")
    assert float(keeper["TimeoutStopSec"]) > LONGEST_STOP_S
    assert keeper["KillMode"] == "mixed"


def test_only_the_eye_has_the_cameras_and_it_has_no_network() -> None:
    eye, station = (
        unit("eye").read_text("utf-8").splitlines(),
        unit("station").read_text("utf-8").splitlines(),
    )
    assert [line for line in eye if line.startswith("DeviceAllow=")] == ["DeviceAllow=char-video4linux rw"]
    assert "DeviceAllow=char-video4linux rw" not in station
    assert {"DevicePolicy=closed", "PrivateNetwork=yes", "RestrictAddressFamilies=AF_UNIX"} <= set(eye)
    assert "MemoryMax=500M" in eye


@pytest.mark.parametrize("name", ALL)
def test_a_service_that_hangs_is_started_again(name: str) -> None:
    told = section(UNITS / f"{name}.service")
    assert told["Type"] == "notify"
    assert float(told["WatchdogSec"]) > 0
    assert told["Restart"] == "always"
