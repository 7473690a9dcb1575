"""scripts/install, into a folder: what it lays down, what an upgrade keeps, what it takes away again."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.testbed.ports import free_port
from tests.station.test_composition import BIN, STATION
from tests.station.test_station_command import init
from tests.waiting import COMMAND_WITHIN_S

CHECKOUT = Path(__file__).resolve().parents[2]
UNITS = sorted(unit.name for unit in (CHECKOUT / "scripts" / "systemd").glob("*.service"))


@dataclass(frozen=True)
class Machine:
    """A folder in the place of a Pi's root."""

    root: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        # The libraries of the environment that tests run in stand in for what pip would fetch.
        environment = {
            **os.environ,
            "DESTDIR": str(self.root),
            "PYTHONPATH": sysconfig.get_paths()["purelib"],
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads the word "no" in the name, and 0 as its denial
            "TONGZHAN_NO_APT": "1",
        }
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=COMMAND_WITHIN_S, check=False
        )

    def install(self, *options: str) -> subprocess.CompletedProcess[str]:
        return self.run("bash", str(CHECKOUT / "scripts" / "install"), *options)

    @property
    def releases(self) -> list[str]:
        return sorted(path.name for path in (self.root / "opt/tongzhan/releases").iterdir())

    @property
    def current(self) -> str:
        return (self.root / "opt/tongzhan/current").resolve().name


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "pi")


def configure(machine: Machine) -> None:
    """A simulated station whose keys are made: one that `station check` finds well."""
    config = machine.root / "etc/tongzhan/station.toml"
    cloud = f"\n[cloud]\nport = {free_port()}\n"
    config.write_text(STATION.format(model="") + BIN.format("kitchen") + cloud, encoding="utf-8")
    assert init(config).returncode == 0


def test_a_station_is_installed_upgraded_only_when_well_and_removed_without_its_journal(
    machine: Machine,
) -> None:
    boot = machine.root / "boot/firmware/config.txt"
    boot.parent.mkdir(parents=True)
    boot.write_text("arm_64bit=1\n", encoding="utf-8")
    done = machine.install("--no-start")
    assert boot.read_text(encoding="utf-8").endswith("\ndtparam=strict_gpiod\n")
    assert done.returncode == 0, done.stderr
    first = machine.current
    assert machine.releases == [first]
    program = machine.root / "opt/tongzhan/current/venv/bin/tongzhan"
    assert "tongzhan" in machine.run(str(program), "--version").stdout
    units = machine.root / "etc/systemd/system"
    assert sorted(unit.name for unit in units.iterdir()) == UNITS
    assert (machine.root / "etc/udev/rules.d/60-tongzhan.rules").exists()
    state = machine.root / "var/lib/tongzhan"
    assert state.stat().st_mode & 0o077 == 0
    example = machine.root / "etc/tongzhan/station.toml"
    assert example.read_text(encoding="utf-8").startswith("# A station's configuration.")

    example.write_text("[station]\n", encoding="utf-8")
    refused = machine.install()
    assert refused.returncode == 1
    assert "the old release keeps running" in refused.stderr
    assert (machine.releases, machine.current) == ([first], first)
    assert example.read_text(encoding="utf-8") == "[station]\n"

    configure(machine)
    upgraded = machine.install()
    assert upgraded.returncode == 0, upgraded.stderr
    assert machine.current != first
    assert set(machine.releases) == {first, machine.current}
    assert boot.read_text(encoding="utf-8").count("strict_gpiod") == 1

    (state / "journal.sqlite3").touch()
    assert machine.install("--uninstall").returncode == 0
    assert not (machine.root / "opt/tongzhan").exists()
    assert not list(units.iterdir())
    assert boot.read_text(encoding="utf-8") == "arm_64bit=1\n"
    assert (state / "journal.sqlite3").exists()
    assert machine.install("--uninstall", "--purge").returncode == 0
    assert not state.exists()
    assert not example.exists()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [(["--frobnicate"], "unknown argument --frobnicate"), (["--purge"], "--purge goes with --uninstall")],
)
def test_a_wrong_argument_is_named_and_nothing_is_touched(
    machine: Machine, options: list[str], complaint: str
) -> None:
    done = machine.install(*options)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {complaint}")
    assert not machine.root.exists()


def test_without_root_it_says_so(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        command = ["bash", str(CHECKOUT / "scripts" / "install")]
    else:
        command = [
            "setpriv",
            "--reuid",
            "65534",
            "--clear-groups",
            "bash",
            str(CHECKOUT / "scripts" / "install"),
        ]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, timeout=COMMAND_WITHIN_S
    )
    assert done.returncode != 0
    assert "sudo scripts/install" in done.stderr
