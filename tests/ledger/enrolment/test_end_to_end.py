"""From a fresh station to its first receipt by one command: real mosquitto with TLS, a ledger behind TLS."""

from __future__ import annotations

import getpass
import json
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from config.reading.enrolled import ENROLLED
from edge.enrol.pending import PENDING
from edge.station_file import load_station
from edge.sync.keys import STATION_KEY
from scripts.demonstration.town import station_toml
from scripts.testbed.ports import free_ports
from tests.brokers import MISSING, MosquittoBroker
from tests.edge.journal.checks import at, opened, visit
from tests.ledger.calling import call_process
from tests.ledger.conftest import LEDGER_TOML
from tests.programs import TONGZHAN
from tests.tls_front import tls_front
from tests.waiting import COMMAND_WITHIN_S, answers, until

pytestmark = pytest.mark.skipif(shutil.which("mosquitto") is None, reason=MISSING)
TWO_MINUTES_S = 120.0


@dataclass
class Machines:
    """A ledger's machine and a fresh station, in a folder of their own."""

    folder: Path
    port: int
    """Of the pages without TLS; then those with TLS, the broker's for stations, and for the ledger."""
    stack: ExitStack
    logs: dict[str, Path] = field(default_factory=dict)

    @property
    def ledger_toml(self) -> Path:
        return self.folder / "ledger.toml"

    @property
    def station_toml(self) -> Path:
        return self.folder / "etc" / "station.toml"

    @property
    def state_dir(self) -> Path:
        return self.folder / "station"

    def ledger(self, *words: str) -> str:
        done = call_process(["ledger", *words, "--config", str(self.ledger_toml)])
        assert done.returncode == 0, done.stderr
        return done.stdout

    def station(self, *words: str) -> subprocess.CompletedProcess[str]:
        return call_process(["station", *words, "--config", str(self.station_toml)])

    def service(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        log = self.logs[name] = self.folder / f"{name}.log"
        out = self.stack.enter_context(log.open("ab"))
        process = subprocess.Popen([*TONGZHAN, *words], stdout=out, stderr=out)
        self.stack.callback(process.wait, COMMAND_WITHIN_S)
        self.stack.callback(process.terminate)
        return process

    def start_ledger(self) -> None:
        """What an operator sets up once: ledger, broker, services."""
        pages, front, stations, own = range(self.port, self.port + 4)
        authority = self.stack.enter_context(tls_front(self.folder, front, pages))
        (self.folder / "data").mkdir()
        self.ledger_toml.write_text(
            f'{LEDGER_TOML}port = {pages}\npublic_url = "https://127.0.0.1:{front}"\n'
            f'tls_ca = "{authority}"\n\n[broker]\nport = {own}\nusername = "town"\n'
            f'password_file = "ledger.password"\ntls_ca = "broker/ca.pem"\n\n[stations]\nport = {stations}\n'
        )
        self.ledger_toml.chmod(0o600)
        self.ledger("init")
        out = ["--out", str(self.folder / "broker"), "--user", getpass.getuser()]
        out += ["--data", str(self.folder / "data")]
        self.ledger("broker", *out)
        conf = self.folder / "broker" / "mosquitto.conf"
        self.broker = MosquittoBroker(self.folder, config=conf, port=own)
        self.broker.start()
        self.stack.callback(self.broker.stop)
        config = ["--config", str(self.ledger_toml)]
        follow = ["--follow", "--reload", f"kill -HUP {self.broker.pid}"]
        self.service("follow", "ledger", "broker", *out, *follow, *config)
        self.service("serve", "ledger", "serve", *config)
        self.service("ingest", "ledger", "ingest", *config)
        until(lambda: answers(f"http://127.0.0.1:{pages}/healthz"), "the pages answer", COMMAND_WITHIN_S)

    def install_station(self) -> None:
        """What `scripts/install` leaves, and what an installer writes of the wiring."""
        text = station_toml("east-gate", str(self.state_dir), str(self.folder / "runtime"), 1)
        lines = [line for line in text.splitlines() if not line.startswith(("community", "name"))]
        head, _, rest = "\n".join(lines).partition("[cloud]")
        self.station_toml.parent.mkdir()
        self.station_toml.write_text(
            f"# wired on a Tuesday\n{head}{rest.partition('[[camera]]')[1]}{rest.partition('[[camera]]')[2]}"
        )

    def invite(self, slug: str = "east-gate") -> str:
        words = ["--by", "Wang", "--reason", "new", "--json"]
        code: str = json.loads(self.ledger("station", "invite", slug, *words))["code"]
        return code

    def record(self, visits: int) -> None:
        journal = opened(self.state_dir)
        for _ in range(visits):
            journal.record_visit(visit(), at(time.time()))
        journal.close()

    def settled(self) -> int:
        with closing(sqlite3.connect(f"file:{self.folder}/ledger.sqlite3?mode=ro", uri=True)) as database:
            (count,) = database.execute("SELECT count(*) FROM points_visitsettlement").fetchone()
        return int(count)

    def believed(self) -> list[tuple[str, bool]]:
        """The station's keys at the ledger, oldest first, and whether each is believed."""
        question = "SELECT key_id, retired_at IS NULL FROM stations_stationkey ORDER BY id"
        with closing(sqlite3.connect(f"file:{self.folder}/ledger.sqlite3?mode=ro", uri=True)) as database:
            return [(key, bool(believed)) for key, believed in database.execute(question)]

    def is_at(self, visits: int, program: subprocess.Popen[str]) -> bool:
        """Whether so many visits are settled, or the program has ended."""
        return program.poll() is not None or self.settled() >= visits

    def said(self) -> str:
        return "\n".join(f"{name}: {log.read_text()[-1500:]}" for name, log in self.logs.items())


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    with ExitStack() as stack:
        made = Machines(tmp_path, free_ports(4), stack)
        made.start_ledger()
        made.install_station()
        yield made


def test_a_fresh_station_has_its_first_receipt_after_one_command(machines: Machines) -> None:
    before = machines.station_toml.read_text()
    done = machines.station("sync")
    assert done.returncode == 2
    assert (
        "names no station, and the station has not enrolled; run: sudo tongzhan station enrol" in done.stderr
    )
    code = machines.invite()
    begun = time.monotonic()
    done = machines.station("enrol", code)
    assert done.returncode == 0, done.stderr
    assert "enrolled as station east-gate of sunny-garden" in done.stdout
    machines.record(2)
    machines.service("sync", "station", "sync", "--config", str(machines.station_toml))
    until(lambda: machines.settled() == 2, f"two visits are settled: {machines.said()}", COMMAND_WITHIN_S)
    assert time.monotonic() - begun < TWO_MINUTES_S * 3  # three times too busy a machine
    settings = load_station(machines.station_toml)
    assert settings.cloud.username == "sunny-garden.east-gate.1"
    assert settings.cloud.ledger_url == f"https://127.0.0.1:{machines.port + 1}"
    assert machines.station_toml.read_text() == before
    secret = [STATION_KEY, "card.key", "ledger.pub", ENROLLED, "broker.sunny-garden.east-gate.1.password"]
    assert all((machines.state_dir / name).stat().st_mode & 0o077 == 0 for name in secret)
    assert not (machines.state_dir / PENDING).exists()
    assert machines.station("enrol", code).returncode == 0  # again, as after a kill at its very end
    elsewhere = machines.station_toml.with_name("other.toml")
    elsewhere.write_text(before.replace(str(machines.state_dir), str(machines.folder / "other")))
    done = call_process(["station", "enrol", code, "--config", str(elsewhere)])
    assert done.returncode == 2
    assert "the code has been used" in done.stderr
    told = call_process(["ledger", "alarm", "list", "--config", str(machines.ledger_toml)]).stdout
    assert "came again with another key" in told


def test_a_running_station_enrols_again_and_the_old_key_ends_once_the_new_one_is_heard(
    machines: Machines,
) -> None:
    assert machines.station("enrol", machines.invite()).returncode == 0
    machines.record(1)
    machines.service("sync", "station", "sync", "--config", str(machines.station_toml))
    until(lambda: machines.settled() == 1, f"a visit is settled: {machines.said()}", COMMAND_WITHIN_S)
    assert machines.station("enrol", machines.invite()).returncode == 0
    until(
        lambda: "it goes on with its new key" in machines.logs["sync"].read_text(),
        f"sync takes the new key: {machines.said()}",
        COMMAND_WITHIN_S,
    )
    machines.record(1)
    until(lambda: machines.settled() == 2, f"another is settled: {machines.said()}", COMMAND_WITHIN_S)
    until(
        lambda: [believed for _, believed in machines.believed()] == [False, True],
        f"the old key is retired: {machines.believed()} {machines.said()}",
        COMMAND_WITHIN_S,
    )
    passwords = machines.folder / "broker" / "stations.passwords"
    until(
        lambda: (
            [line.partition(":")[0] for line in passwords.read_text().splitlines()]
            == ["sunny-garden.east-gate.2"]
        ),
        f"the old user is shut out: {machines.said()}",
    )


def test_keys_and_password_change_under_load_and_nothing_is_lost(machines: Machines) -> None:
    assert machines.station("enrol", machines.invite()).returncode == 0
    machines.record(1)
    machines.service("sync", "station", "sync", "--config", str(machines.station_toml))
    until(lambda: machines.settled() == 1, f"a visit is settled: {machines.said()}", COMMAND_WITHIN_S)
    recorded = 1
    words = [*TONGZHAN, "station", "rotate-key", "--config", str(machines.station_toml)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as rotating:
        while rotating.poll() is None:
            machines.record(1)
            recorded += 1
            enough = recorded - 5
            until(partial(machines.is_at, enough, rotating), "it keeps pace")
        said, _ = rotating.communicate()
    assert rotating.returncode == 0, said
    machines.record(3)
    recorded += 3
    until(lambda: machines.settled() == recorded, f"all are settled: {machines.said()}", COMMAND_WITHIN_S)
    until(
        lambda: [believed for _, believed in machines.believed()] == [False, True],
        f"the old key is retired: {machines.said()}",
        COMMAND_WITHIN_S,
    )
    assert said.split()[5] == machines.believed()[1][0]
    assert load_station(machines.station_toml).cloud.username == "sunny-garden.east-gate.2"
