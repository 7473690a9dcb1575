"""Delivery in hard times: a week offline, many restarts, restored ledgers, retired keys, jumping clocks."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Queue
from typing import cast

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud_sync.transport.mailbox import Message
from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.transport.resend import PATIENCE_S
from cloud_sync.wire.envelope import (
    MAX_BATCH_EPOCHS,
    MAX_BODY_BYTES,
    MAX_EVENTS,
    MAX_RECEIPT_EPOCHS,
    Batch,
    EpochReceipt,
    Receipt,
    decode_event_id,
    key_id,
    open_batch,
    seal_receipt,
)
from cloud_sync.wire.station_state import CabinetReading, StationState, SupplyReading
from config.errors import InputError
from edge.faults import FaultCode
from edge.journal.schema import JOURNAL_FILE, PAGE_BYTES
from edge.ports import WallTime
from edge.sync.keys import StationIdentity, StationKeys
from edge.sync.live_readings import Live
from edge.sync.outbox import KEPT_S, Outbox
from edge.sync.process import STATE_S, Sync
from edge.sync.receipts import DOUBT_S
from edge.sync.retention import AGE_S, PRUNE_S
from edge.sync.self_report import Fixed, SelfReport
from scripts.bench.sync import fill
from tests.edge.journal.checks import ALARM, NOON, opened, visit
from tests.edge.workbench import by_hand
from tests.waiting import turns, until

A = "a" * 16
WEEK = 20_000
A_CHECKPOINT = 4 * 1024 * 1024
"""SQLite checkpoints the WAL after a thousand pages."""


@dataclass
class Clock:
    """Monotonic time that the test moves, and a calendar that the test sets."""

    at: float = 1000.0
    unix_s: float = 1_800_000_000.0

    def now(self) -> float:
        return self.at

    def wall(self) -> WallTime:
        return WallTime(self.unix_s, trusted=True)


@dataclass
class Wire:
    """Stands in for a broker: the test reads what is published, and may lose, delay or repeat it."""

    connected: bool = True
    connections: int = 1
    attempts: int = 1
    messages: Queue[Message] = field(default_factory=lambda: Queue(256))
    published: list[tuple[str, bytes]] = field(default_factory=list)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        del retain
        self.published.append((topic, payload))
        return len(self.published) if self.connected else None

    def bring(self, payload: bytes) -> None:
        self.messages.put(Message("receipts", payload, retained=True, _acknowledge=lambda: None))


@dataclass
class Books:
    """A ledger's events and its receipts: the newest 64 epochs, each up to its first gap."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    held: dict[str, set[int]] = field(default_factory=dict)
    through: dict[str, int] = field(default_factory=dict)
    """In the order of the last batch that carried the epoch."""
    times: dict[tuple[str, int], int] = field(default_factory=dict)
    """How often each event came."""
    passed_over: list[tuple[str, int, int]] = field(default_factory=list)

    def take(self, batch: Batch) -> None:
        names = [decode_event_id(bytes(raw)) for raw in batch.events]
        for name in names:
            self.held.setdefault(name.epoch, set()).add(name.sequence)
            self.times[name.epoch, name.sequence] = self.times.get((name.epoch, name.sequence), 0) + 1
        for lost in batch.lost:
            if self.through.get(lost.epoch, 0) + 1 == lost.first:
                self.through[lost.epoch] = lost.last
                self.passed_over.append((lost.epoch, lost.first, lost.last))
        for epoch in dict.fromkeys(name.epoch for name in names):
            through = self.through.pop(epoch, 0)
            while through + 1 in self.held[epoch]:
                through += 1
            self.through[epoch] = through

    def receipt(self, **more: tuple[str, ...]) -> bytes:
        newest = list(reversed(self.through.items()))[:MAX_RECEIPT_EPOCHS]
        epochs = tuple(EpochReceipt(epoch, through) for epoch, through in newest)
        return seal_receipt(self.key, Receipt("lane", "gate", epochs, **more))


class Scene:
    """A sync process in the test's hands, between a real journal and a ledger's books."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock, self.wire, self.books = Clock(), Wire(), Books()
        self.outbox = Outbox(folder)
        signing = Ed25519PrivateKey.generate()
        self.sender = StationIdentity(
            "lane", "gate", StationKeys(signing, b"k" * 32, self.books.key.public_key())
        )
        self.own = {key_id(signing.public_key()): signing.public_key()}
        self.readings: tuple[CabinetReading, ...] = ()
        """What the station measures now."""
        self.starts = 0
        self.start()

    def start(self) -> None:
        """Start a new sync process, which knows nothing."""
        link = cast("MqttLink", self.wire)
        self.starts += 1
        report = SelfReport(self.clock, Fixed(self.starts), lambda: Live(readings=self.readings))
        self.sync = Sync(self.sender, self.outbox, link, self.clock, random.Random(1), report)

    def turn(self, seconds: float = 0.1) -> None:
        self.clock.at += seconds
        self.sync.turn(0.0 if self.wire.messages.empty() else 0.1)

    def batches(self) -> list[Batch]:
        """Return the batches published since the last call."""
        taken, self.wire.published = self.wire.published, []
        return [open_batch(message, self.own) for topic, message in taken if topic.endswith("/events")]

    def states(self) -> list[StationState]:
        return [
            msgspec.json.decode(message, type=StationState)
            for topic, message in self.wire.published
            if topic.endswith("/state")
        ]

    def settle(self, turns: int = 50, seconds: float = 0.1) -> None:
        """Let the ledger answer each batch, until nothing waits."""
        for _ in range(turns):
            self.turn(seconds)
            for batch in self.batches():
                self.books.take(batch)
                self.wire.bring(self.books.receipt())
            if self.outbox.depth() == 0 and self.wire.messages.empty():
                return
        pytest.fail(f"{self.outbox.depth()} events still wait")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    opened(tmp_path, "f" * 16).close()
    made = Scene(tmp_path)
    yield made
    made.outbox.close()


def record(folder: Path, count: int, epoch: str = A) -> None:
    with closing(opened(folder, epoch)) as journal:
        for _ in range(count):
            journal.record_note(ALARM, NOON)


# --- a week offline -----------------------------------------------------------------------------


def test_a_week_offline_is_delivered_once_in_bounded_batches(scene: Scene) -> None:
    fill(scene.folder, A, WEEK)
    sizes = []
    for _ in range(2000):
        scene.turn()
        sizes += [len(message) for topic, message in scene.wire.published if topic.endswith("/events")]
        batches = scene.batches()
        for batch in batches:
            assert len(batch.events) <= MAX_EVENTS
            scene.books.take(batch)
        if batches:
            scene.wire.bring(scene.books.receipt())
        if scene.outbox.depth() == 0:
            break
    assert max(sizes) <= MAX_BODY_BYTES + 512
    assert scene.books.through[A] == WEEK
    assert set(scene.books.times.values()) == {1}, "an event was sent twice for nothing"


def test_the_station_records_while_a_week_is_drained_and_the_log_stays_small(scene: Scene) -> None:
    fill(scene.folder, A, 1500)
    stopping = threading.Event()
    failures: list[BaseException] = []
    sizes: list[int] = []
    recorded = 0

    def station() -> None:
        nonlocal recorded
        journal = opened(scene.folder)
        try:
            while not stopping.is_set():
                journal.record_visit(visit(2, who=f"card {recorded}"), NOON)
                journal.outbox()
                recorded += 1
                sizes.append((scene.folder / f"{JOURNAL_FILE}-wal").stat().st_size)
        except BaseException as error:  # noqa: BLE001 (told by the test's own thread)
            failures.append(error)
        journal.close()

    thread = threading.Thread(target=station)
    thread.start()
    until(lambda: recorded or failures, "a first visit")
    patience = turns("the week to be drained")
    while scene.outbox.lost([1]) or by_hand(
        scene.folder / JOURNAL_FILE,
        "SELECT 1 FROM records WHERE receipted_s IS NULL AND id < 1 << 33 LIMIT 1",
    ):
        next(patience)
        scene.turn()
        for batch in scene.batches():
            scene.books.take(batch)
            scene.wire.bring(scene.books.receipt())
        scene.outbox.prune()
    stopping.set()
    thread.join()
    assert failures == []
    assert recorded > 0
    # A checkpoint each thousand pages, and what was written while a reader stood in its way.
    assert max(sizes) < 4 * A_CHECKPOINT


def test_a_reader_that_never_ends_holds_up_the_log_only_while_it_reads(scene: Scene) -> None:
    journal = opened(scene.folder)
    log_file = scene.folder / f"{JOURNAL_FILE}-wal"
    journal.record_visit(visit(), NOON)
    reader = sqlite3.connect(scene.folder / JOURNAL_FILE)
    rows = reader.execute("SELECT 1 FROM records, sqlite_schema")
    rows.fetchone()
    for number in range(400):
        journal.record_visit(visit(12, who=f"card {number}"), NOON)
    held_up = log_file.stat().st_size
    rows.close()
    reader.close()
    for number in range(400):
        journal.record_visit(visit(12, who=f"card {number}"), NOON)
    assert held_up > A_CHECKPOINT
    assert log_file.stat().st_size < held_up + A_CHECKPOINT
    journal.close()


# --- many restarts ------------------------------------------------------------------------------


def many_epochs(folder: Path, count: int) -> list[str]:
    names = [f"{number:016x}" for number in range(1, count + 1)]
    for name in names:
        fill(folder, name, 2)
    return names


def test_two_hundred_restarts_in_a_month_are_freed_without_an_overdue_answer(scene: Scene) -> None:
    names = many_epochs(scene.folder, 200)
    seconds = PATIENCE_S / 200
    scene.settle(turns=100, seconds=seconds)
    assert set(scene.books.through) == set(names)
    assert set(scene.books.times.values()) == {1}
    assert scene.outbox.note_receipts([]).freed == 0


def test_a_ledger_that_answers_many_batches_by_one_receipt_still_frees_two_hundred_restarts(
    scene: Scene,
) -> None:
    names = many_epochs(scene.folder, 200)
    for _ in range(20):
        scene.turn()
        for batch in scene.batches():
            scene.books.take(batch)
        scene.wire.bring(scene.books.receipt())
    assert scene.outbox.depth() == 0
    assert set(scene.books.through) == set(names)
    assert set(scene.books.times.values()) == {1}


def test_a_stuck_epoch_does_not_hold_up_the_others(scene: Scene) -> None:
    names = many_epochs(scene.folder, 100)
    by_hand(scene.folder / JOURNAL_FILE, "DELETE FROM records WHERE id = (1 << 32) + 1")
    for _ in range(40):
        scene.turn(PATIENCE_S / 2)
        for batch in scene.batches():
            scene.books.take(msgspec.structs.replace(batch, lost=()))  # a ledger that knows no losses
            scene.wire.bring(scene.books.receipt())
    assert scene.outbox.depth() == 1
    assert all(scene.books.through[name] == 2 for name in names[1:])


def test_a_batch_has_no_more_epochs_than_every_receipt_can_name(scene: Scene) -> None:
    many_epochs(scene.folder, 50)
    scene.turn()
    batches = scene.batches()
    for batch in batches:
        assert len({decode_event_id(bytes(raw)).epoch for raw in batch.events}) <= MAX_BATCH_EPOCHS
    assert sum(len(batch.events) for batch in batches) == 100


def test_a_ledger_restored_to_before_two_hundred_restarts_gets_everything_again(scene: Scene) -> None:
    many_epochs(scene.folder, 100)
    scene.settle(turns=100)
    backup = (dict(scene.books.through), {epoch: set(held) for epoch, held in scene.books.held.items()})
    scene.outbox.grow_older(7 * 86_400.0)
    names = [f"{number:016x}" for number in range(1001, 1101)]
    for name in names:
        fill(scene.folder, name, 2)
    scene.settle(turns=100)
    scene.books.through, scene.books.held = backup
    for _ in range(6):
        scene.wire.bring(scene.books.receipt())
        scene.turn(DOUBT_S)
        for batch in scene.batches():
            scene.books.take(batch)
            scene.wire.bring(scene.books.receipt())
    scene.settle(turns=200, seconds=DOUBT_S)
    assert all(scene.books.through[name] == 2 for name in names)


# --- a ledger that comes back from a backup -----------------------------------------------------


def test_a_ledger_older_than_the_kept_events_is_told_what_is_lost_and_goes_on(scene: Scene) -> None:
    record(scene.folder, 30)
    scene.settle()
    scene.outbox.grow_older(KEPT_S + 1)
    scene.turn(PRUNE_S)
    record(scene.folder, 5)
    scene.settle()
    scene.books.through, scene.books.held = {A: 3}, {A: {1, 2, 3}}
    scene.wire.bring(scene.books.receipt())
    scene.turn()
    scene.turn(DOUBT_S)
    scene.settle()
    assert scene.books.passed_over == [(A, 4, 30)]
    assert scene.books.held[A] == {1, 2, 3, *range(31, 36)}
    assert scene.books.through[A] == 35


def test_gaps_in_the_middle_are_stated_one_by_one_before_an_answer_is_overdue(
    scene: Scene,
) -> None:
    record(scene.folder, 40)
    by_hand(scene.folder / JOURNAL_FILE, "DELETE FROM records WHERE id & 4294967295 IN (1, 10, 11, 25)")
    before = scene.clock.at
    scene.settle(seconds=0.01)
    assert scene.books.passed_over == [(A, 1, 1), (A, 10, 11), (A, 25, 25)]
    assert scene.clock.at - before < PATIENCE_S


def test_a_receipt_that_was_overtaken_takes_nothing_back(scene: Scene) -> None:
    record(scene.folder, 10)
    scene.turn()
    (batch,) = scene.batches()
    old = seal_receipt(scene.books.key, Receipt("lane", "gate", (EpochReceipt(A, 4),)))
    scene.books.take(batch)
    scene.wire.bring(scene.books.receipt())
    scene.wire.bring(old)
    scene.turn()
    assert scene.outbox.depth() == 0
    scene.wire.bring(scene.books.receipt())
    scene.turn(DOUBT_S)
    scene.turn(DOUBT_S)
    assert scene.outbox.depth() == 0
    assert scene.batches() == []


def test_a_receipt_that_stays_lower_is_believed_after_a_while(scene: Scene) -> None:
    record(scene.folder, 10)
    scene.settle()
    scene.books.through, scene.books.held = {A: 4}, {A: {1, 2, 3, 4}}
    scene.wire.bring(scene.books.receipt())
    scene.turn()
    assert scene.outbox.depth() == 0
    scene.turn(DOUBT_S)
    assert [decode_event_id(bytes(raw)).sequence for batch in scene.batches() for raw in batch.events] == [
        5, 6, 7, 8, 9, 10
    ]  # fmt: skip


def test_a_receipt_that_stays_lower_is_believed_though_it_comes_again_and_again(scene: Scene) -> None:
    """A restored ledger answers every batch; if each answer restarted the doubt, it would never end."""
    record(scene.folder, 10)
    scene.settle()
    scene.books.through, scene.books.held = {A: 4}, {A: {1, 2, 3, 4}}
    for _ in range(4):
        scene.wire.bring(scene.books.receipt())
        scene.turn(DOUBT_S / 2)
    assert [decode_event_id(bytes(raw)).sequence for batch in scene.batches() for raw in batch.events] == [
        5, 6, 7, 8, 9, 10
    ]  # fmt: skip


# --- keys and names -----------------------------------------------------------------------------


def test_a_station_whose_key_was_retired_keeps_its_events_and_says_so(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    record(scene.folder, 3)
    (own,) = scene.own
    scene.wire.bring(scene.books.receipt(retired=("0123456789abcdef", own)))
    scene.turn()
    scene.batches()
    scene.turn(60)
    assert scene.batches() == []
    assert scene.outbox.depth() == 3
    assert f"retired this station's key {own}" in caplog.text
    scene.turn(60)
    assert scene.states()[-1].key_retired
    journal = opened(scene.folder)
    assert FaultCode.STATION_KEY_RETIRED in journal.faults()
    scene.wire.bring(scene.books.receipt(retired=("0123456789abcdef",)))
    scene.settle()
    assert FaultCode.STATION_KEY_RETIRED not in journal.faults()
    journal.close()


def test_what_the_station_measures_is_published_with_its_state(scene: Scene) -> None:
    scene.turn()
    assert scene.states()[-1].readings == ()
    scene.readings = (SupplyReading("mcu", 12.1, 3.0),)
    scene.turn(STATE_S)
    assert scene.states()[-1].readings == scene.readings


def test_what_the_station_says_of_itself_is_in_order_over_connections_and_starts(
    scene: Scene,
) -> None:
    scene.turn()
    scene.turn(STATE_S)
    scene.wire.connections, scene.wire.attempts = 2, 5
    scene.turn()
    scene.start()
    scene.turn()
    orders = [(state.start, state.connection, state.sequence) for state in scene.states()]
    assert orders == [(1, 1, 1), (1, 1, 2), (1, 5, 3), (2, 5, 1)]


def test_a_sync_process_that_is_stopped_says_that_the_station_goes_offline(scene: Scene) -> None:
    stopping = threading.Event()
    stopping.set()
    scene.sync.run(stopping)
    assert scene.states() == [StationState(online=False, start=1, connection=1)]


def test_a_silent_ledger_is_logged_with_the_keys_name(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    record(scene.folder, 1)
    scene.turn()
    scene.turn(PATIENCE_S)
    (own,) = scene.own
    assert f"know the key {own}" in caplog.text
    scene.turn(20)
    state = scene.states()[-1]
    assert (state.outbox, state.unanswered_s is not None) == (1, True)


def test_a_journal_whose_events_went_out_under_another_name_is_not_sent(scene: Scene) -> None:
    record(scene.folder, 3)
    scene.turn()
    scene.batches()
    scene.sender = replace(scene.sender, station="south-gate")
    scene.start()
    with pytest.raises(InputError, match="lane/gate, and this is lane/south-gate"):
        scene.turn()
    assert scene.batches() == []


# --- clocks -------------------------------------------------------------------------------------

JUMPS = [0.0, 1_800_000_000.0 + 366 * 86_400, 1_800_000_000.0 - 366 * 86_400, 32_503_680_000.0]


@pytest.mark.parametrize("unix_s", JUMPS, ids=["1970", "a year on", "a year back", "the year 3000"])
def test_a_calendar_that_jumps_deletes_nothing_early_and_keeps_nothing_forever(
    scene: Scene, unix_s: float
) -> None:
    record(scene.folder, 10)
    scene.settle()
    scene.clock.unix_s = unix_s
    for _ in range(4):
        scene.turn(PRUNE_S)
    record(scene.folder, 1, "b" * 16)
    scene.settle()
    assert by_hand(scene.folder / JOURNAL_FILE, "SELECT count(*) FROM records") == [(11,)]
    scene.clock.unix_s = 1_800_000_000.0
    for _ in range(int(KEPT_S / PRUNE_S)):
        scene.turn(PRUNE_S)
    scene.turn(PRUNE_S + AGE_S)
    scene.turn(PRUNE_S)
    assert by_hand(scene.folder / JOURNAL_FILE, "SELECT count(*) FROM records") == [(0,)]


@pytest.mark.parametrize("unix_s", JUMPS, ids=["1970", "a year on", "a year back", "the year 3000"])
def test_a_calendar_that_jumps_while_backing_off_changes_no_pause(scene: Scene, unix_s: float) -> None:
    record(scene.folder, 1)
    scene.turn()
    scene.batches()
    scene.turn(PATIENCE_S)
    scene.clock.unix_s = unix_s
    scene.turn(0.4)
    assert scene.batches() == []
    scene.turn(0.6)
    assert len(scene.batches()) == 1


def test_months_are_pruned_in_small_steps(scene: Scene) -> None:
    fill(scene.folder, A, 2600)
    scene.outbox.note_receipts([EpochReceipt(A, 2600)])
    scene.outbox.grow_older(KEPT_S + 1)
    left = []
    for _ in range(6):
        scene.turn(1)
        left += by_hand(scene.folder / JOURNAL_FILE, "SELECT count(*) FROM records")
    assert left == [(2100,), (1600,), (1100,), (600,), (100,), (0,)]


def test_a_process_that_restarts_all_the_time_deletes_nothing_early(scene: Scene) -> None:
    record(scene.folder, 1)
    scene.settle()
    for _ in range(50):
        scene.start()
        scene.turn(AGE_S - 1)
    assert scene.outbox.age() == 0


# --- a journal that cannot be used --------------------------------------------------------------


def test_a_journal_that_is_busy_costs_only_time_and_one_line_in_the_log(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    record(scene.folder, 2)
    scene.outbox.close()
    scene.outbox = Outbox(scene.folder, busy_s=0.05)
    scene.start()
    scene.turn()
    for batch in scene.batches():
        scene.books.take(batch)
    scene.wire.bring(scene.books.receipt())
    other = sqlite3.connect(scene.folder / JOURNAL_FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for _ in range(5):
        scene.turn(10)
    assert scene.outbox.depth() == 2
    assert caplog.text.count("the journal cannot be used now") == 1
    other.execute("ROLLBACK")
    other.close()
    scene.turn(10)
    assert scene.outbox.depth() == 0


def test_damage_that_only_the_sync_process_meets_is_repaired_by_the_running_station(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    record(scene.folder, 5)
    journal = opened(scene.folder)
    file = scene.folder / JOURNAL_FILE
    by_hand(file, "PRAGMA wal_checkpoint(TRUNCATE)")
    ((page,),) = by_hand(file, "SELECT rootpage FROM sqlite_schema WHERE name = 'records_receipted'")
    image = bytearray(file.read_bytes())
    at = (int(str(page)) - 1) * PAGE_BYTES
    image[at : at + PAGE_BYTES] = bytes(PAGE_BYTES)
    file.write_bytes(image)
    scene.turn()
    assert "malformed" in caplog.text
    assert FaultCode.JOURNAL_RECOVERED in journal.faults()
    journal.record_note(ALARM, NOON)
    scene.settle(seconds=1)
    assert (len(scene.books.held[A]), len(scene.books.held[journal.epoch])) == (5, 1)
    journal.close()
