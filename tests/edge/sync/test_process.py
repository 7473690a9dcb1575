"""The sync process against a real broker and a ledger that can be told to keep silent."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from iotcore import Broker

from cloud_sync.rules.award_rules import AwardRules
from cloud_sync.transport.mailbox import Message
from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.transport.resend import BACK_OFF_MAX_S, PATIENCE_S, WINDOW
from cloud_sync.wire import topics
from cloud_sync.wire.envelope import (
    EpochReceipt,
    Receipt,
    decode_event,
    key_id,
    open_batch,
    seal_receipt,
)
from cloud_sync.wire.facts import AlarmFacts, Stamp
from config.reading.load import load_toml
from config.station import CloudSection
from edge.journal.store import SqliteJournal
from edge.ports import WallTime
from edge.sync.keys import StationIdentity, StationKeys
from edge.sync.outbox import Outbox
from edge.sync.process import Sync
from tests.waiting import WITHIN_S

STAMP = Stamp(wall_s=1.0, trusted=True, boot="b", monotonic_s=1.0)
EPOCH = "00000000000000aa"
RULES = load_toml(Path("config/award_rules.v1.toml"), AwardRules)


@dataclass
class SteppedClock:
    """A clock that only the test moves."""

    at: float = 1000.0

    def now(self) -> float:
        return self.at

    def wall(self) -> WallTime:
        return WallTime(1_800_000_000.0 + self.at, trusted=True)


class Ledger:
    """Opens the station's batches, and answers with receipts unless it is silent."""

    def __init__(self, port: int, station_key: Ed25519PrivateKey) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.seen: list[int] = []
        self.is_silent = False
        self.through = 0
        self._keys = {key_id(station_key.public_key()): station_key.public_key()}
        self.link = MqttLink(CloudSection(port=port), "ledger", [topics.events("+", "+")])
        self.link.start()

    def work(self) -> None:
        while not self.link.messages.empty():
            message = self.link.messages.get()
            batch = open_batch(message.payload, self._keys)
            self.seen += [decode_event(bytes(raw)).sequence for raw in batch.events]
            message.ack()
            while self.through + 1 in self.seen:
                self.through += 1
            if not self.is_silent:
                self.answer(self.through)

    def answer(
        self, through: int, refused: tuple[tuple[int, str], ...] = (), name: str = "lane/gate"
    ) -> None:
        community, _, station = name.partition("/")
        receipt = Receipt(community, station, (EpochReceipt(EPOCH, through, refused),))
        self.link.publish(topics.receipts("lane", "gate"), seal_receipt(self.key, receipt), retain=True)


@dataclass
class Scene:
    """A station's journal, its sync and a ledger, joined by a real broker."""

    journal: SqliteJournal
    outbox: Outbox
    sync: Sync
    ledger: Ledger
    station_link: MqttLink
    clock: SteppedClock = field(default_factory=SteppedClock)

    def write(self, count: int) -> None:
        for _ in range(count):
            self.journal.record_note(AlarmFacts("lid_forced", "kitchen", raised=True), STAMP)

    def until(self, condition: Callable[[], object], turn_s: float = 0.0) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not condition():
            assert time.monotonic() < deadline, "it did not come true in time"
            self.sync.turn(0.01)
            self.ledger.work()
            self.clock.at += turn_s


@pytest.fixture
def broker(free_port: Callable[[], int]) -> Iterator[Broker]:
    with Broker(port=free_port(), listen="127.0.0.1") as running:
        yield running


@pytest.fixture
def scene(tmp_path: Path, broker: Broker) -> Iterator[Scene]:
    signing = Ed25519PrivateKey.generate()
    ledger = Ledger(broker.port, signing)
    keys = StationKeys(signing, b"k" * 32, ledger.key.public_key())
    link = MqttLink(CloudSection(port=broker.port), "station", [topics.receipts("lane", "gate")])
    link.start()
    journal = SqliteJournal(tmp_path, EPOCH, RULES, ZoneInfo("Asia/Shanghai"))
    outbox = Outbox(tmp_path)
    clock = SteppedClock()
    sync = Sync(StationIdentity("lane", "gate", keys), outbox, link, clock, random.Random(1))
    made = Scene(journal, outbox, sync, ledger, link, clock)
    made.until(lambda: link.connected and ledger.link.connected)
    yield made
    link.stop()
    ledger.link.stop()
    journal.close()
    outbox.close()


def test_every_event_arrives_and_its_receipt_empties_the_outbox(scene: Scene) -> None:
    scene.write(1234)
    scene.until(lambda: scene.outbox.depth() == 0)
    assert sorted(set(scene.ledger.seen)) == list(range(1, 1235))


def test_without_a_receipt_nothing_is_freed_and_all_is_sent_again_after_a_pause(scene: Scene) -> None:
    scene.ledger.is_silent = True
    scene.write(3)
    scene.until(lambda: scene.ledger.seen == [1, 2, 3])
    assert scene.outbox.depth() == 3
    scene.clock.at += PATIENCE_S
    scene.sync.turn(0.01)
    scene.clock.at += BACK_OFF_MAX_S
    scene.until(lambda: scene.ledger.seen == [1, 2, 3, 1, 2, 3])
    assert scene.outbox.depth() == 3


def test_a_silent_ledger_is_not_flooded(scene: Scene) -> None:
    scene.ledger.is_silent = True
    scene.write(100 * WINDOW + 500)
    scene.until(lambda: scene.ledger.seen)
    for _ in range(50):
        scene.sync.turn(0.001)
    scene.ledger.work()
    assert len(scene.ledger.seen) <= 100 * WINDOW


def test_a_broker_that_was_away_costs_nothing(scene: Scene, broker: Broker) -> None:
    scene.write(10)
    scene.until(lambda: scene.outbox.depth() == 0)
    broker.stop()
    scene.write(250)
    for _ in range(5):
        scene.sync.turn(0.001)
    broker.start()
    # This broker forgot the ledger's subscription: what came before the ledger was back is sent again.
    scene.until(lambda: scene.outbox.depth() == 0, turn_s=0.1)
    assert set(scene.ledger.seen) == set(range(1, 261))


def test_a_restored_ledger_gets_again_what_it_lost(scene: Scene) -> None:
    scene.write(20)
    scene.until(lambda: scene.outbox.depth() == 0)
    scene.ledger.seen.clear()
    scene.ledger.through = 5
    scene.ledger.answer(5)
    scene.until(lambda: set(scene.ledger.seen) == set(range(6, 21)), turn_s=0.2)


def test_a_receipt_signed_by_somebody_else_frees_nothing(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.ledger.is_silent = True
    scene.ledger.key = Ed25519PrivateKey.generate()
    scene.write(2)
    scene.ledger.answer(2)
    scene.until(lambda: "receipt rejected" in caplog.text)
    assert scene.outbox.depth() == 2


@pytest.mark.parametrize("name", ["lane/other", "road/gate"])
def test_a_receipt_for_another_station_frees_nothing(
    scene: Scene, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    scene.ledger.is_silent = True
    scene.write(2)
    scene.ledger.answer(2, name=name)
    scene.until(lambda: f"it is for station {name}" in caplog.text or scene.outbox.depth() < 2)
    assert scene.outbox.depth() == 2


def test_a_message_on_a_topic_that_is_no_receipts_is_named_and_holds_up_nothing(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    left = Message("tz/1/lane/gate/notice", b"hello", retained=False, _acknowledge=lambda: None)
    scene.station_link.messages.put(left)
    scene.write(3)
    scene.until(lambda: scene.outbox.depth() == 0)
    assert "tz/1/lane/gate/notice is left unread" in caplog.text
    assert "receipt rejected" not in caplog.text


def test_a_refused_event_stays_and_is_named(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.ledger.is_silent = True
    scene.write(2)
    scene.ledger.answer(2, refused=((2, "malformed"),))
    scene.until(lambda: scene.outbox.depth() == 0)
    assert "aside: malformed" in caplog.text
    assert scene.journal.outbox() == (0, 1)


def test_the_station_reports_its_state_and_its_last_will_that_it_is_offline(
    scene: Scene, broker: Broker
) -> None:
    watcher = MqttLink(CloudSection(port=broker.port), "watcher", [topics.state("lane", "gate")])
    watcher.start()
    scene.until(lambda: not watcher.messages.empty())
    assert b'"online":true' in watcher.messages.get().payload
    watcher.stop()
