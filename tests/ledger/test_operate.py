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
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.cli import run
from scripts.demonstration.town import COMMUNITY, station_toml
from tests.brokers import MISSING, listens
from tests.conftest import CHECKOUT
from tests.edge.journal_checks import NOON, opened, visit
from tests.ledger.systemctl import send
from tests.ports import free_ports
from tests.programs import TONGZHAN
from tests.waiting import COMMAND_WITHIN_S, answers, until

PAGE = (CHECKOUT / "docs" / "operate.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CARRIED = "ledger_key station_key"
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
    """Of the pages; the two after it are the broker's."""

    @property
    def programs(self) -> Path:
        return self.root / "bin"

    @property
    def services(self) -> Path:
        return self.root / "run"

    def here(self, text: str) -> str:
        """The page's text for this machine: its folders and ports, and addresses that lead here."""
        text = re.sub(r"/opt/tongzhan/(current/)?venv/bin", str(self.programs), text)
        text = re.sub(r"(?<![\w.])/(etc|var|mnt)/", rf"{self.root}/\1/", text)
        for number, port in enumerate(("8000", "8883", "8884")):
            text = text.replace(f"port = {port}", f"port = {self.port + number}")
        options = (
            f"--station-port {self.port + 1} --user {getpass.getuser()} --data {self.root}/var/mosquitto"
        )
        text = text.replace("tongzhan ledger broker ", f"tongzhan ledger broker {options} ")
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
        (self.root / "etc/tongzhan/station.toml").write_text(whole.replace(COMMUNITY, "sunny-garden"))
        unit = (CHECKOUT / "scripts/systemd/tongzhan-sync.service").read_text()
        (self.root / "etc/systemd/system/tongzhan-sync.service").write_text(self.here(unit))

    def write_programs(self) -> None:
        """`tongzhan` of this checkout, `sudo` that stays who it is, `systemctl` for the page's units."""
        units = self.root / "etc/systemd/system"
        systemctl = f"{sys.executable} -m tests.ledger.systemctl {units} {self.services}"
        bodies = {
            "tongzhan": f'exec {shlex.join(TONGZHAN)} "$@"',
            "sudo": '[ "$1" != -u ] || shift 2\nexec "$@"',
            "systemctl": f'exec {systemctl} "$@"',
        }
        for folder in (self.programs, self.services, self.root / "var/mosquitto"):
            folder.mkdir(parents=True)
        for name, body in bodies.items():
            (self.programs / name).write_text(f"#!/bin/bash\n{body}\n")
            (self.programs / name).chmod(0o755)

    def type(self, block: str) -> None:
        """Run a block of commands as a person would, with the variables of those before."""
        state = self.root / "variables"
        carry = f"declare -p {CARRIED} >{state} 2>/dev/null || true"
        script = f"[ ! -f {state} ] || . {state}\n{self.here(block)}\n{carry}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607 (from PATH)
            env=os.environ | {"PATH": f"{self.programs}:{os.environ['PATH']}", "PYTHONPATH": str(CHECKOUT)},
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=COMMAND_WITHIN_S,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}\n{self.logs()}"

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
            journal.record_visit(visit(), NOON)
        journal.close()

    def wait_for(self, visits: int) -> None:
        until(
            lambda: self.settled() == visits,
            f"{visits} visits are settled: {self.logs()}",
            within_s=COMMAND_WITHIN_S,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    if shutil.which("mosquitto") is None:
        pytest.skip(MISSING)
    made = Machine(tmp_path, free_ports(3))
    for folder in ("var/lib/tongzhan", "var/lib/tongzhan-ledger", "var/backups/tongzhan", "mnt/card/journal"):
        (tmp_path / folder).mkdir(parents=True)
    made.write_programs()
    made.write_files()
    yield made
    for file in made.services.glob("*.pid"):
        send(file.with_suffix(""), signal.SIGTERM)


@pytest.mark.full
def test_every_step_of_the_page_works_in_its_order(machine: Machine) -> None:
    told = {
        "Admit a station": ("var/lib/tongzhan", 3, 3),
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
            until(lambda: listens(machine.port + 1) and listens(machine.port + 2), "mosquitto listens")
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
