"""An upgrade that does not stay up: scripts/install with made-up releases and a small systemctl."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.station import systemctl
from tests.waiting import COMMAND_WITHIN_S

PYTHON = """#!/bin/bash
# Stands in for Python: makes a virtual environment whose `tongzhan` is the test's.
if [ "$1" = -m ] && [ "$2" = venv ]; then
  mkdir -p "$3/bin"
  cp "$0" "$3/bin/python"
  cp "$TONGZHAN" "$3/bin/tongzhan"
fi
"""
TONGZHAN = """#!{python} -ES
import os, signal, socket, sys, time
command, fate = sys.argv[2], {fates!r}.get(sys.argv[2], "well")
if command == "check":
    sys.exit(fate == "ill")
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
if "NOTIFY_SOCKET" in os.environ:
    if fate == "ends":
        sys.exit(1)
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
if fate == "ends later":
    sys.exit(1)
while True:
    time.sleep(60)
"""
SERVICES = ["tongzhan-lids", "tongzhan-eye", "tongzhan-station", "tongzhan-sync", "tongzhan-panel"]


class Pi:
    """A folder in the place of a Pi's root, whose releases are made up."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.script(
            "systemctl", f'#!/bin/bash\nexec {sys.executable} -m tests.station.systemctl {root} "$@"\n'
        )
        self.script("python", PYTHON)

    def script(self, name: str, text: str) -> Path:
        file = self.root / name
        file.write_text(text)
        file.chmod(0o755)
        return file

    def install(self, *options: str, **fates: str) -> subprocess.CompletedProcess[str]:
        """Install a release whose commands have these fates; all others are well."""
        environment = os.environ | {
            "DESTDIR": str(self.root),
            "TONGZHAN_NO_APT": "1",
            "TONGZHAN_PYTHON": str(self.root / "python"),
            "TONGZHAN_SYSTEMCTL": str(self.root / "systemctl"),
            "TONGZHAN_WATCH_S": "1",
            "TONGZHAN": str(self.script("tongzhan", TONGZHAN.format(python=sys.executable, fates=fates))),
        }
        command = ["bash", str(CHECKOUT / "scripts" / "install"), *options]
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=COMMAND_WITHIN_S, check=False
        )

    @property
    def opt(self) -> Path:
        return self.root / "opt/tongzhan"

    @property
    def current(self) -> str:
        return (self.opt / "current").resolve().name

    @property
    def releases(self) -> set[str]:
        return {folder.name for folder in (self.opt / "releases").iterdir()}

    def service(self, name: str) -> Path:
        return self.root / "services" / f"{name}.service"

    @property
    def running(self) -> list[str]:
        return [name for name in SERVICES if systemctl.is_alive(self.service(name))]

    def end(self) -> None:
        for name in SERVICES:
            systemctl.stop(self.service(name))


@pytest.fixture
def pi(tmp_path: Path) -> Iterator[Pi]:
    made = Pi(tmp_path / "pi")
    yield made
    made.end()


def test_a_release_that_stays_up_takes_over_and_is_marked(pi: Pi) -> None:
    done = pi.install()
    assert done.returncode == 0, done.stderr
    assert (pi.opt / "current/seen-well").exists()
    assert pi.running == SERVICES
    assert (pi.root / "usr/local/bin/tongzhan").readlink() == pi.opt / "current/venv/bin/tongzhan"


@pytest.mark.parametrize(
    ("command", "fate"), [("run", "ends"), ("run", "ends later"), ("lids", "ends"), ("sync", "ends later")]
)
def test_a_release_of_which_a_service_does_not_stay_up_gives_way_to_the_one_before(
    pi: Pi, command: str, fate: str
) -> None:
    assert pi.install().returncode == 0
    good = pi.current
    broken = pi.install(**{command: fate})
    assert broken.returncode == 1
    name = "station" if command == "run" else command
    told = "of the new release does not stay up; the old release keeps running"
    assert f"tongzhan-{name} {told}" in broken.stderr
    assert (pi.current, pi.releases, pi.running) == (good, {good}, SERVICES)


def test_however_many_broken_releases_come_the_one_that_ran_well_stays(pi: Pi) -> None:
    assert pi.install().returncode == 0
    good = pi.current
    for fates in ({"panel": "ends"}, {"check": "ill"}):
        assert pi.install(**fates).returncode == 1
    for _ in range(2):
        assert pi.install("--no-start", run="ends").returncode == 0
    assert good in pi.releases
    assert len(pi.releases) == 3


def test_the_units_of_the_release_before_come_back_with_it(pi: Pi) -> None:
    assert pi.install().returncode == 0
    unit = pi.opt / "current/units/tongzhan-panel.service"
    ours = f"# of the release before\n{unit.read_text()}"
    unit.write_text(ours)
    assert pi.install(run="ends").returncode == 1
    assert (pi.root / "etc/systemd/system/tongzhan-panel.service").read_text() == ours


def test_a_first_release_that_does_not_stay_up_is_said_to_and_stays_for_its_mend(pi: Pi) -> None:
    broken = pi.install(run="ends")
    assert broken.returncode == 1
    assert "tongzhan-station does not stay up" in broken.stderr
    assert not (pi.opt / "current/seen-well").exists()
    assert pi.install().returncode == 0
    assert pi.running == SERVICES


@pytest.mark.parametrize("typed", ["soon", "-1", "1.5", ""])
def test_a_time_to_watch_that_is_no_number_is_refused(pi: Pi, typed: str) -> None:
    command = ["bash", str(CHECKOUT / "scripts" / "install")]
    environment = os.environ | {"DESTDIR": str(pi.root), "TONGZHAN_WATCH_S": typed or "x"}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=COMMAND_WITHIN_S, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: TONGZHAN_WATCH_S=")
