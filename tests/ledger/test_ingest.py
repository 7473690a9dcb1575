"""The worker over a real broker."""

from __future__ import annotations

import logging
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import OperationalError, connection
from iotcore import Broker

from cloud_sync import topics
from cloud_sync.envelope import EpochReceipt, Receipt, key_id, open_receipt
from cloud_sync.ledger.batches import Applied, apply_batches
from cloud_sync.ledger.ingest import Worker
from cloud_sync.ledger.keys import read_signing_key
from cloud_sync.ledger.stations.models import Event
from cloud_sync.mqtt import MqttLink
from config.ledger import LedgerSettings, load_ledger
from config.station import CloudSection
from tests.ledger.conftest import PREPARED, TONGZHAN
from tests.ledger.town import EPOCH, RIGHT, Town, event, visit_facts
from tests.waiting import until

WITHIN_S = 30.0
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
def worker_process(config: Path) -> Iterator[subprocess.Popen[str]]:
    """`tongzhan ledger ingest`, killed at the end if it still runs."""
    command = [sys.executable, "-c", TONGZHAN, "ledger", "ingest", "--config", str(config)]
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
        worker = Worker(self.link, read_signing_key(PREPARED / "state"), self.stopping, self.apply)
        self.thread = threading.Thread(target=self.run, args=[worker])

    def apply(self, messages: Sequence[bytes], community: str, station: str, now: datetime) -> Applied | None:
        self.together = max(self.together, len(messages))
        if self.troubles:
            raise self.troubles.pop()
        return apply_batches(messages, community, station, now)

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
