"""The whole way over both tiers: journal, sync, broker, two workers, database, receipts, each a process.

A laptop's broker is iotcore; a town's is the mosquitto that `tongzhan ledger broker` makes: TLS, passwords.
"""

from __future__ import annotations

import getpass
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import Sum

from cloud_sync.ledger.broker import users
from cloud_sync.ledger.broker.files import BrokerSpec, write_broker
from cloud_sync.ledger.broker.mosquitto import Listeners
from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.keys import read_card_key, read_signing_key
from cloud_sync.ledger.points.models import VisitSettlement
from cloud_sync.ledger.stations.models import Alarm, Community
from cloud_sync.ledger.stations.registry import add_station
from edge.journal.store import SqliteJournal
from edge.sync.keys import make_keys
from scripts.demonstration.town import COMMUNITY, station_toml
from scripts.testbed.ports import free_ports
from tests.brokers import MISSING, IotcoreBroker, MosquittoBroker, RunningBroker
from tests.edge.journal.checks import at, opened, visit
from tests.engines import BOTH, Engine, Tier
from tests.ledger.conftest import PREPARED, ledger_toml
from tests.ledger.town import NOW
from tests.programs import TONGZHAN
from tests.waiting import until

pytestmark = BOTH
WITHIN_S = 180.0
SUNNY = "sunny-garden"
STATIONS = ("east-gate", "west-gate")


@dataclass
class Whole:
    """Ledger and stations as configurations, and the processes that run by them."""

    root: Path
    stack: ExitStack
    broker: RunningBroker
    journals: dict[str, SqliteJournal] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    spoken: int = 0
    """Points that the stations promised."""
    visits: int = 0

    def start(self, name: str, *arguments: str) -> None:
        log = self.stack.enter_context((self.root / f"{name}.log").open("ab"))
        command = [*TONGZHAN, *arguments]
        process = self.stack.enter_context(subprocess.Popen(command, stdout=log, stderr=log))
        self.stack.callback(process.kill)
        self.running[name] = process

    def start_worker(self, name: str) -> None:
        self.start(name, "ledger", "ingest", "--worker", name, "--config", str(self.root / "ledger.toml"))

    def start_sync(self, station: str) -> None:
        self.start(f"sync-{station}", "station", "sync", "--config", str(self.root / f"{station}.toml"))

    def kill(self, name: str) -> None:
        self.running[name].kill()
        self.running[name].wait()

    def record(self, visits: int) -> None:
        """So many visits at each station, of people with cards that nobody registered yet."""
        for number in range(visits):
            for name, journal in self.journals.items():
                earned = journal.record_visit(
                    visit(1 + number % 3, who=f"{name}-{number % 7}"), at(time.time())
                )
                self.spoken += earned.points
                self.visits += 1

    def wait_until_receipted(self) -> None:
        until(
            lambda: all(journal.outbox() == (0, 0) for journal in self.journals.values()),
            f"every event has its receipt: {self.logs()}",
            WITHIN_S,
        )

    def logs(self) -> str:
        return "\n".join(f"{file.name}: {file.read_text()[-1500:]}" for file in self.root.glob("*.log"))


def town_broker(folder: Path) -> tuple[RunningBroker, dict[str, str]]:
    """A guarded mosquitto, and what each user's configuration says of it."""
    if shutil.which("mosquitto") is None:
        pytest.skip(MISSING)
    (folder / "mosquitto").mkdir()
    first = free_ports(2)
    listeners = Listeners(first, first + 1, "127.0.0.1", getpass.getuser(), folder / "mosquitto")
    wanted = BrokerSpec(SUNNY, {SUNNY: STATIONS}, (), {"127.0.0.1"}, listeners)
    ports = {users.station_user(SUNNY, name): first for name in STATIONS} | {SUNNY: first + 1}
    said = {
        user: f'host = "127.0.0.1"\nport = {ports[user]}\nusername = "{user}"\n'
        f'password_file = "{file}"\ntls_ca = "{folder}/broker/ca.pem"\n'
        for user, file in write_broker(folder / "broker", wanted, NOW).items()
    }
    broker = MosquittoBroker(folder, config=folder / "broker" / "mosquitto.conf", port=first + 1)
    return broker, said


def laptop_broker() -> tuple[RunningBroker, dict[str, str]]:
    broker = IotcoreBroker()
    every = (SUNNY, *(users.station_user(SUNNY, name) for name in STATIONS))
    return broker, dict.fromkeys(every, f'host = "127.0.0.1"\nport = {broker.port}\n')


@pytest.fixture
def whole(engine: Engine, database: str, tmp_path: Path) -> Iterator[Whole]:
    broker, said = town_broker(tmp_path) if engine.tier is Tier.TOWN else laptop_broker()
    config = tmp_path / "ledger.toml"
    config.write_text(f"{ledger_toml(database)}\n[broker]\n{said[SUNNY]}")
    config.chmod(0o600)  # it may hold a password
    with ExitStack() as stack:
        made = Whole(tmp_path, stack, broker)
        for name in STATIONS:
            admit(made, name, said[users.station_user(SUNNY, name)])
        connection.close()
        broker.start()
        stack.callback(broker.stop)
        yield made


def admit(whole: Whole, name: str, cloud: str) -> None:
    """Set a station up as its installer does, and admit it."""
    text = station_toml(name, f"{whole.root}/{name}", f"{whole.root}/run", 1).replace(COMMUNITY, SUNNY)
    before, _, after = text.partition("[cloud]\n")
    (whole.root / f"{name}.toml").write_text(f"{before}[cloud]\n{cloud}\n{after.partition(chr(10) * 2)[2]}")
    state = PREPARED / "state"
    keys = make_keys(whole.root / name, read_card_key(state, SUNNY), read_signing_key(state).public_key())
    public = keys.signing.public_key().public_bytes_raw().hex()
    add_station(Community.objects.get(), name, public)
    whole.journals[name] = opened(whole.root / name)
    whole.stack.callback(whole.journals[name].close)


def test_two_workers_and_two_stations_lose_nothing_and_count_nothing_twice(whole: Whole) -> None:
    whole.record(120)
    for worker in ("first", "second"):
        whole.start_worker(worker)
    for station in STATIONS:
        whole.start_sync(station)
    until(VisitSettlement.objects.exists, "a first visit is settled", WITHIN_S)
    whole.kill("first")
    whole.record(30)
    whole.kill(f"sync-{STATIONS[0]}")
    whole.broker.stop()
    whole.record(30)
    whole.broker.start()
    whole.start_sync(STATIONS[0])
    whole.start_worker("first")
    whole.wait_until_receipted()

    audit = verify()
    assert audit.problems == ()
    assert VisitSettlement.objects.count() == whole.visits
    assert audit.settled + audit.held + audit.lowered == whole.spoken
    assert VisitSettlement.objects.aggregate(sum=Sum("provisional"))["sum"] == whole.spoken
    assert not Alarm.objects.exists()
