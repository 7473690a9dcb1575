"""A worker's name that is given up, over both brokers."""

from __future__ import annotations

import queue
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloud_sync.ledger.intake.worker import client_id
from cloud_sync.transport.mqtt import MqttLink
from config.ledger import LedgerSettings, load_ledger
from tests.engines import BOTH, Engine
from tests.ledger.conftest import ledger_toml
from tests.waiting import WITHIN_S, until

pytestmark = BOTH
Run = Callable[..., subprocess.CompletedProcess[str]]
TOPIC = "tz/1/sunny-garden/east-gate/events"


@pytest.fixture
def file(engine: Engine, tmp_path: Path) -> Path:
    """A ledger.toml that names this test's broker."""
    made = tmp_path / "ledger.toml"
    made.write_text(f"{ledger_toml('ledger.sqlite3')}\n[broker]\nport = {engine.broker.port}\n", "utf-8")
    return made


@contextmanager
def joined(settings: LedgerSettings, name: str, *topics: str) -> Iterator[MqttLink]:
    """A client with a session that stays."""
    link = MqttLink(settings.broker, name, topics)
    link.start()
    until(lambda: link.connected, f"{name} is connected")
    yield link
    link.stop()


def say(settings: LedgerSettings, payload: bytes) -> None:
    with joined(settings, "a-station") as link:
        until(lambda: link.publish(TOPIC, payload) is not None, "published")


def heard(link: MqttLink) -> list[bytes]:
    """What a worker finds, up to the last word that was said."""
    found: list[bytes] = []
    while not found or found[-1] != b"last":
        try:
            message = link.messages.get(timeout=WITHIN_S)
        except queue.Empty:
            pytest.fail(f"only {found} came")
        message.ack()
        found.append(message.payload)
    return found


@pytest.mark.parametrize(("forgotten", "found"), [(False, [b"first", b"last"]), (True, [b"last"])])
def test_the_broker_stores_nothing_for_a_worker_that_was_forgotten(
    file: Path, tongzhan: Run, found: list[bytes], *, forgotten: bool
) -> None:
    settings = load_ledger(file)
    name = client_id("sunny-garden", "b")
    with joined(settings, name, TOPIC):
        pass
    say(settings, b"first")
    for _ in range(2 if forgotten else 0):
        told = tongzhan("ledger", "worker", "forget", "b", "--config", file)
        assert (told.returncode, told.stdout) == (0, f"the broker no longer keeps anything for {name}\n")
    with joined(settings, name, TOPIC) as link:
        say(settings, b"last")
        assert heard(link) == found
