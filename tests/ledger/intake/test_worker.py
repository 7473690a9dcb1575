"""The worker over a real broker."""

from __future__ import annotations

import logging
import queue
import shutil
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import OperationalError, connection
from iotcore import Broker

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.intake.apply import Applied, Name, apply_messages
from cloud_sync.ledger.intake.parse import Sent
from cloud_sync.ledger.intake.receipts import overtaken
from cloud_sync.ledger.intake.worker import Worker, client_id
from cloud_sync.ledger.keys import read_signing_key
from cloud_sync.ledger.points.models import VisitSettlement
from cloud_sync.ledger.stations.models import Event, Station
from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.wire import topics
from cloud_sync.wire.envelope import EpochReceipt, Receipt, key_id, open_receipt
from config.errors import InputError
from config.ledger import LedgerSettings, load_ledger
from config.station import CloudSection
from tests.ledger.conftest import PREPARED
from tests.ledger.town import EPOCH, RIGHT, Town, card, event, stamp, visit_facts
from tests.programs import TONGZHAN
from tests.waiting import WITHIN_S, until

COMMUNITY, STATION = "sunny-garden", "east-gate"


@pytest.fixture
def settings(config: Path) -> LedgerSettings:
    return load_ledger(config)


@pytest.fixture
def broker(settings: LedgerSettings) -> Iterator[CloudSection]:
    with Broker(port=settings.broker.port, listen="127.0.0.1"):
        yield settings.broker


class Gate:
    """A station's end of the broker."""

    def __init__(self, broker: CloudSection, town: Town, client_id: str = STATION) -> None:
        self.town = town
        town.station(STATION)
        public = read_signing_key(PREPARED / "state").public_key()
        self.keys = {key_id(public): public}
        self.link = MqttLink(broker, client_id, [topics.receipts(COMMUNITY, STATION)])
        self.link.start()
        until(lambda: self.link.connected)

    def send(self, *sequences: int, points: int = 2) -> None:
        events = [event(number, visit_facts(1, RIGHT, provisional=points)) for number in sequences]
        self.send_bytes(self.town.seal(*events, station=STATION))

    def sealed(self, sequence: int) -> bytes:
        return self.town.seal(event(sequence, visit_facts(1, RIGHT, provisional=2)), station=STATION)

    def send_bytes(self, message: bytes) -> None:
        assert self.link.publish(topics.events(COMMUNITY, STATION), message) is not None

    def receipt(self, *, empty: bool = False) -> Receipt:
        """The next one; what a worker announces of a station that sent nothing yet only if asked for."""
        while True:
            message = self.link.messages.get(timeout=WITHIN_S)
            message.ack()
            receipt = open_receipt(message.payload, self.keys)
            if receipt.epochs or empty:
                return receipt


@pytest.fixture
def gate(broker: CloudSection, town: Town) -> Iterator[Gate]:
    opened = Gate(broker, town)
    yield opened
    opened.link.stop()


@contextmanager
def worker_process(config: Path, name: str = "") -> Iterator[subprocess.Popen[str]]:
    """`tongzhan ledger ingest`, killed at the end if it still runs."""
    command = [*TONGZHAN, "ledger", "ingest", "--config", str(config)]
    command += ["--worker", name] if name else []
    with ExitStack() as stack:
        process = stack.enter_context(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        stack.callback(process.kill)
        yield process


def listens(process: subprocess.Popen[str]) -> None:
    """Wait until the worker says that it is connected."""
    assert process.stderr is not None
    assert any("connected" in line for line in process.stderr)


def test_a_batch_is_applied_and_its_receipt_stays_with_the_broker(
    gate: Gate, broker: CloudSection, config: Path
) -> None:
    with worker_process(config) as process:
        listens(process)
        gate.send(1, 2, 3)
        assert gate.receipt() == Receipt(COMMUNITY, STATION, (EpochReceipt(EPOCH, 3),))
        process.terminate()
        assert process.wait(WITHIN_S) == 0
        _, told = process.communicate()
    assert f"{STATION}: 3 new, through 3 of {EPOCH[:6]}" in told
    assert gate.town.suspense == 6
    late = Gate(broker, gate.town, "who comes later")
    assert late.receipt().epochs == (EpochReceipt(EPOCH, 3),)
    late.link.stop()


def test_ctrl_c_stops_the_worker_as_well(broker: CloudSection, config: Path) -> None:
    assert broker.port
    with worker_process(config) as process:
        listens(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(WITHIN_S) == 0


def test_a_batch_that_waits_for_a_busy_database_survives_the_workers_death(
    gate: Gate, database: str, config: Path
) -> None:
    writer = sqlite3.connect(database, isolation_level=None)
    with worker_process(config) as process:
        listens(process)
        writer.execute("BEGIN IMMEDIATE")
        gate.send(1)
        connection.close()
        process.kill()
        process.wait(WITHIN_S)
    writer.execute("ROLLBACK")
    writer.close()
    assert not Event.objects.exists()
    with worker_process(config):
        assert gate.receipt().epochs == (EpochReceipt(EPOCH, 1),)


class InThread:
    """A worker in this process, applying by a function that may misbehave first."""

    def __init__(self, broker: CloudSection) -> None:
        self.link = MqttLink(broker, "worker", [topics.events(COMMUNITY, "+")])
        self.stopping = threading.Event()
        self.troubles: list[Exception] = []
        self.together = 0
        self.fails_on: bytes | None = None
        worker = Worker(self.link, read_signing_key(PREPARED / "state"), self.stopping, self.apply)
        self.thread = threading.Thread(target=self.run, args=[worker])

    def apply(self, messages: Sequence[Sent], now: datetime) -> Mapping[Name, Applied]:
        self.together = max(self.together, len(messages))
        if self.troubles:
            raise self.troubles.pop()
        if any(sent.payload == self.fails_on for sent in messages):
            raise ZeroDivisionError("a defect")
        return apply_messages(messages, now)

    def run(self, worker: Worker) -> None:
        try:
            worker.run()
        finally:
            connection.close()

    def __enter__(self) -> Self:
        self.link.start()
        until(lambda: self.link.connected)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.thread.join()
        self.link.stop()


def test_a_busy_database_is_asked_again_until_it_takes_the_batch(gate: Gate, broker: CloudSection) -> None:
    with InThread(broker) as worker:
        worker.troubles = [OperationalError("database is locked"), OperationalError("database is locked")]
        gate.send(1)
        assert gate.receipt().epochs == (EpochReceipt(EPOCH, 1),)
        assert not worker.troubles


def test_a_stop_while_the_database_is_busy_leaves_the_batch_with_the_broker(
    gate: Gate, broker: CloudSection
) -> None:
    with InThread(broker) as worker:
        worker.troubles = [OperationalError("database is locked")] * 1000
        gate.send(1)
        until(lambda: len(worker.troubles) < 999)
    with InThread(broker):
        assert gate.receipt().epochs == (EpochReceipt(EPOCH, 1),)


def test_a_batch_that_breaks_the_code_does_not_keep_others_waiting(
    gate: Gate, broker: CloudSection, caplog: pytest.LogCaptureFixture
) -> None:
    with InThread(broker) as worker:
        worker.troubles = [ZeroDivisionError("a defect")]
        gate.send(1)
        until(lambda: not worker.troubles)
        gate.send(2)
        assert gate.receipt().epochs == (EpochReceipt(EPOCH, 0),)
        gate.send(1)
        assert gate.receipt().epochs == (EpochReceipt(EPOCH, 2),)
    assert "a defect" in caplog.text


def test_a_forged_batch_earns_no_receipt_and_the_next_one_does(gate: Gate, broker: CloudSection) -> None:
    gate.town.stations[STATION] = Ed25519PrivateKey.generate()
    forged = gate.town.seal(event(1, visit_facts(1, RIGHT, provisional=2)))
    del gate.town.stations[STATION]
    gate.town.station(STATION)
    with InThread(broker):
        gate.send_bytes(forged)
        gate.send_bytes(b"noise")
        gate.send(2)
        assert gate.receipt().epochs == (EpochReceipt(EPOCH, 0),)


def test_the_log_says_what_became_of_each_batch_in_one_line(
    gate: Gate, broker: CloudSection, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), InThread(broker):
        gate.send(1)
        gate.receipt()
        gate.send(1, points=1)
        gate.receipt()
        gate.send(1, 2)
        gate.receipt()
    lines = [line for line in caplog.messages if line.startswith(f"{STATION}: ")]
    assert [line.split(",")[0] for line in lines] == [
        f"{STATION}: 1 new",
        f"{STATION}: 0 new",
        f"{STATION}: 1 new",
    ]
    assert "1 refused" in lines[1]
    assert "1 known" in lines[2]


def test_messages_that_waited_together_are_applied_together(gate: Gate, broker: CloudSection) -> None:
    with InThread(broker) as worker:
        worker.troubles = [OperationalError("database is locked")] * 3
        for number in range(1, 9):
            gate.send(number)
        until(lambda: not worker.troubles and gate.receipt().epochs == (EpochReceipt(EPOCH, 8),))
        assert worker.together > 1


def test_a_batch_that_breaks_the_code_does_not_take_its_neighbours_with_it(
    gate: Gate, broker: CloudSection
) -> None:
    with InThread(broker) as worker:
        worker.fails_on = gate.sealed(2)
        worker.troubles = [OperationalError("database is locked")] * 3
        gate.send(1)
        gate.send_bytes(worker.fails_on)
        gate.send(3)
        until(lambda: gate.receipt().epochs == (EpochReceipt(EPOCH, 1),) and Event.objects.count() == 2)


def test_a_new_worker_tells_each_station_where_it_stands(
    gate: Gate, broker: CloudSection, config: Path
) -> None:
    gate.town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)), now=datetime.now(UTC))
    Station.objects.create(community=gate.town.community, slug="retired", active=False)
    with worker_process(config) as process:
        listens(process)
        assert gate.receipt(empty=True).epochs == (EpochReceipt(EPOCH, 1),)
    others = MqttLink(broker, "who looks", [topics.receipts(COMMUNITY, "retired")])
    others.start()
    until(lambda: others.connected)
    with pytest.raises(queue.Empty):
        others.messages.get(timeout=0.2)
    others.stop()


def test_a_ledger_restored_from_a_backup_says_its_lower_through(
    gate: Gate, database: str, config: Path, tmp_path: Path
) -> None:
    gate.town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)), now=datetime.now(UTC))
    connection.close()
    shutil.copy(database, tmp_path / "backup")
    with worker_process(config) as process:
        listens(process)
        gate.send(2)
        until(lambda: gate.receipt().epochs == (EpochReceipt(EPOCH, 2),))
        process.terminate()
        process.wait(WITHIN_S)
    for leftover in tmp_path.glob(f"{Path(database).name}-*"):
        leftover.unlink()
    shutil.copy(tmp_path / "backup", database)
    with worker_process(config):
        assert gate.receipt().epochs == (EpochReceipt(EPOCH, 1),)


def test_a_worker_ends_waits_that_are_over(gate: Gate, config: Path) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=91)
    gate.town.deliver(event(1, visit_facts(1, RIGHT, provisional=2), at=stamp(long_ago)), now=long_ago)
    now = gate.town.wait(timedelta(days=91), long_ago)
    gate.town.deliver(event(2, visit_facts(2, RIGHT, provisional=2), at=stamp(now)), now=now)
    with worker_process(config):
        until(lambda: VisitSettlement.objects.get(card_hash=card(1)).withdrawn == 2)
    assert gate.town.suspense == 2


def test_two_workers_on_one_broker_and_database_settle_each_visit_once(gate: Gate, config: Path) -> None:
    with worker_process(config, "a") as one, worker_process(config, "b") as other:
        listens(one)
        listens(other)
        for start in range(1, 61, 3):
            gate.send(start, start + 1, start + 2)
        until(lambda: gate.receipt().epochs == (EpochReceipt(EPOCH, 60),))
        one.kill()
        gate.send(61)
        until(lambda: gate.receipt().epochs == (EpochReceipt(EPOCH, 61),))
    assert gate.town.suspense == 24  # twelve things a day of one unknown card
    assert VisitSettlement.objects.count() == 61
    assert verify().ok, verify().problems


def test_a_receipt_that_another_worker_overtook_is_followed_by_the_newer_one(town: Town) -> None:
    older = town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)), now=datetime.now(UTC)).receipt
    assert overtaken([older], datetime.now(UTC)) == []
    newer = town.deliver(event(2, visit_facts(1, RIGHT, provisional=2)), now=datetime.now(UTC)).receipt
    assert overtaken([older], datetime.now(UTC)) == [newer]
    assert overtaken([newer], datetime.now(UTC) + timedelta(days=40)) == []


@pytest.mark.parametrize("name", ["a_b", "a b", "-", "x" * 33, "a/b"])
def test_a_workers_name_is_one_that_a_broker_takes(name: str) -> None:
    with pytest.raises(InputError, match="no worker's name"):
        client_id(COMMUNITY, name)
    assert client_id(COMMUNITY, "") != client_id(COMMUNITY, "b")
