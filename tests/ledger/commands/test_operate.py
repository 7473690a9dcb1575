"""docs/operate.md, typed as it stands: its configuration, its units, its commands, in its order."""

from __future__ import annotations

import getpass
import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.cli import run
from scripts.demonstration.town import COMMUNITY, station_toml
from scripts.testbed.ports import free_ports
from tests.brokers import MISSING, listens
from tests.conftest import CHECKOUT
from tests.edge.journal.checks import at, opened, visit
from tests.ledger.commands import users
from tests.ledger.commands.systemctl import send
from tests.programs import TONGZHAN
from tests.tls_front import tls_front
from tests.waiting import COMMAND_WITHIN_S, answers, until

PAGE = (CHECKOUT / "docs" / "operate.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALL_AS_ONESELF = """given=()
while [ $# -gt 0 ]; do
  case $1 in -o | -g) shift ;; *) given+=("$1") ;; esac
  shift
done
exec /usr/bin/install "${given[@]}"
"""
CARRIED = "ledger_key other_key code"
"""Variables that one block sets and a later one uses."""


def sections() -> list[tuple[str, list[str]]]:
    """Each heading with its blocks of commands."""
    parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)[1:]
    found = [
        (title, [text for kind, text in BLOCK.findall(body) if kind == "sh"])
        for title, body in zip(parts[::2], parts[1::2], strict=True)
    ]
    return [(title, blocks) for title, blocks in found if blocks]


@dataclass
class Machine:
    """A folder that stands for the root of a machine, with a few commands of its own."""

    root: Path
    port: int
    """Of the pages; the two after it are the broker's, the last is the pages' with TLS."""
    python: str
    as_users: bool
    """Whether each command runs as whom the page says; else all run as whoever runs the tests."""

    @property
    def programs(self) -> Path:
        return self.root / "bin"

    @property
    def services(self) -> Path:
        return self.root / "run"

    @property
    def home(self) -> Path:
        """Of the person who types."""
        return self.root / "home"

    @property
    def broker_user(self) -> str:
        """The mosquitto package's own user; where nobody can become it, whoever runs the tests."""
        return "mosquitto" if self.as_users else getpass.getuser()

    @property
    def broker_options(self) -> str:
        """What `tongzhan ledger broker` must be told here, and need not be on a machine of its own."""
        return f"--user {self.broker_user} --data {self.root}/var/mosquitto"

    def here(self, text: str) -> str:
        """The page's text for this machine: its folders and ports, and addresses that lead here."""
        text = re.sub(r"/opt/tongzhan/(current/)?venv/bin", str(self.programs), text)
        text = re.sub(r"(?<![\w.])/(etc|var|mnt)/", rf"{self.root}/\1/", text)
        for number, port in enumerate(("8000", "8883", "8884")):
            text = text.replace(f"port = {port}", f"port = {self.port + number}")
        front = f'public_url = "https://127.0.0.1:{self.port + 3}"\ntls_ca = "{self.root}/front-ca.pem"'
        text = text.replace('public_url = "https://points.example.org"', front)
        text = re.sub(r"(?<=[ \n])scripts/", f"{CHECKOUT}/scripts/", text)
        text = text.replace("tongzhan ledger broker ", f"tongzhan ledger broker {self.broker_options} ")
        return text.replace("broker.example.org", "127.0.0.1")

    def write_files(self) -> None:
        """What the page has an operator write, each under the name that its first line says."""
        for _, text in BLOCK.findall(PAGE):
            if named := re.match(r"# (/etc/\S+)\n", text):
                file = Path(self.here(named[1]))
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(self.here(text), encoding="utf-8")
        whole = station_toml("east-gate", f"{self.root}/var/lib/tongzhan", "runtime", 1883)
        whole = re.sub(r"\[cloud\]\n.*?\n\n", "", whole, flags=re.DOTALL)
        whole = re.sub(r"^(community|name) = .*\n", "", whole, flags=re.MULTILINE)
        (self.root / "etc/tongzhan/station.toml").write_text(whole.replace(COMMUNITY, "sunny-garden"))
        (self.root / "etc/systemd/system").mkdir(parents=True)
        unit = (CHECKOUT / "scripts/systemd/tongzhan-sync.service").read_text()
        (self.root / "etc/systemd/system/tongzhan-sync.service").write_text(self.here(unit))

    def write_programs(self) -> None:
        """`tongzhan` of this checkout, `sudo` that stays who it is, `systemctl` for the page's units."""
        units = self.root / "etc/systemd/system"
        systemctl = f"{self.python} -m tests.ledger.commands.systemctl {units} {self.services}"
        bodies = {
            "tongzhan": f'exec {shlex.join([self.python, *TONGZHAN[1:]])} "$@"',
            "sudo": users.SUDO if self.as_users else '[ "$1" != -u ] || shift 2\nexec "$@"',
            "systemctl": f'export BROKER_OPTIONS="{self.broker_options}"\nexec {systemctl} "$@"',
            "useradd": users.USERADD if self.as_users else "true",
            "install": users.INSTALL if self.as_users else INSTALL_AS_ONESELF,
        }
        for folder in (self.programs, self.services, self.root / "var/mosquitto", self.home):
            folder.mkdir(parents=True)
        if self.as_users:
            shutil.chown(self.root / "var/mosquitto", self.broker_user)
            os.chown(self.home, users.PERSON, users.PERSON)
            os.chown(self.root / "var/lib/tongzhan", users.IDS["tongzhan"], users.IDS["tongzhan"])
        for name, body in bodies.items():
            (self.programs / name).write_text(f"#!/bin/bash\n{body}\n")
            (self.programs / name).chmod(0o755)

    def type(self, block: str) -> None:
        """Run a block of commands as a person would, with the variables of those before."""
        state = self.home / "variables"
        carry = f"declare -p {CARRIED} >{state} 2>/dev/null || true"
        script = f"[ ! -f {state} ] || . {state}\n{self.here(block)}\n{carry}"
        become = [*users.BECOME, *users.MAY_SUDO] if self.as_users else []
        done = subprocess.run(
            [*become, "bash", "-euo", "pipefail", "-c", script],
            env=os.environ | {"PATH": f"{self.programs}:{os.environ['PATH']}", "PYTHONPATH": users.LIBRARIES},
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=COMMAND_WITHIN_S,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}\n{self.logs()}"

    def has_its_broker(self) -> bool:
        """Whether mosquitto listens, if it was started."""
        started = (self.services / "mosquitto.pid").exists()
        return not started or (listens(self.port + 1) and listens(self.port + 2))

    def logs(self) -> str:
        return "\n".join(f"{file.name}: {file.read_text()[-2000:]}" for file in self.services.glob("*.log"))

    def settled(self) -> int:
        """Visits that the ledger has settled."""
        file = self.root / "var/lib/tongzhan-ledger/ledger.sqlite3"
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            (count,) = database.execute("SELECT count(*) FROM points_visitsettlement").fetchone()
        return int(count)

    def record(self, folder: str, visits: int) -> None:
        """Visits at the station, whose journal lies in this folder."""
        journal = opened(self.root / folder)
        for _ in range(visits):
            journal.record_visit(visit(), at(time.time()))
        journal.close()

    def wait_for(self, visits: int) -> None:
        until(
            lambda: self.settled() == visits,
            f"{visits} visits are settled: {self.logs()}",
            within_s=COMMAND_WITHIN_S,
        )


@pytest.fixture(params=[True, False], ids=["as the users it names", "as oneself"])
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    if shutil.which("mosquitto") is None:
        pytest.skip(MISSING)
    as_users: bool = request.param
    python = users.their_python()
    if as_users and python is None:
        pytest.skip("only root can become the users that the page names, in a checkout that they can read")
    if not as_users and python is not None:
        pytest.skip("the page is run as the users that it names")
    with tempfile.TemporaryDirectory(prefix="tongzhan-operate-") as folder:
        root = Path(folder)
        root.chmod(0o755)  # others pass through
        made = Machine(root, free_ports(4), python or sys.executable, as_users)
        for name in ("var/lib/tongzhan", "mnt/card/journal"):
            (root / name).mkdir(parents=True)
        (root / "var/lib/tongzhan").chmod(0o700)
        made.write_programs()
        made.write_files()
        with tls_front(root, made.port + 3, made.port):
            yield made
        for file in made.services.glob("*.pid"):
            send(file.parent / file.name.removesuffix(".pid"), signal.SIGTERM)


@pytest.mark.full
def test_every_step_of_the_page_works_in_its_order(machine: Machine) -> None:
    told = {
        "Add a station": ("var/lib/tongzhan", 3, 3),
        "Back up while it runs": ("var/lib/tongzhan", 2, 5),
        "Restore": ("var/lib/tongzhan", 0, 5),
        "Upgrade": ("var/lib/tongzhan", 1, 6),
        "Change a station's key": ("var/lib/tongzhan", 1, 7),
        "Read the journal of a dead station from its card": ("var/lib/tongzhan", 0, 9),
    }
    machine.record("mnt/card/journal", 2)
    done = []
    for title, blocks in sections():
        for block in blocks:
            machine.type(block)
            until(machine.has_its_broker, "mosquitto listens")
        if title in told:
            folder, visits, settled = told[title]
            machine.record(folder, visits)
            machine.wait_for(settled)
        if title == "Start":
            until(lambda: answers(f"http://127.0.0.1:{machine.port}/healthz"), "the pages answer")
        done.append(title)
    assert set(told) < set(done)
    assert machine.settled() == 9


NAMED = sorted(set(re.findall(r"`?tongzhan ((?:ledger|station)(?: [a-z]+(?:-[a-z]+)*){1,2})", PAGE)))


def test_every_command_that_the_page_names_exists(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(NAMED) > 20
    for command in NAMED:
        assert run([*command.split(), "--help"]) == 0, command
        assert f"Usage: tongzhan {command}" in capsys.readouterr().out
