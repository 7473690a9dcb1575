"""Turns among stations: one that sends without end makes no other wait, and its evidence stays bounded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import pytest

from cloud_sync.ledger.intake import store
from cloud_sync.ledger.intake.apply import Applied, Name, apply_messages
from cloud_sync.ledger.intake.parse import Sent
from cloud_sync.ledger.intake.turns import A_MINUTE, MESSAGE, SHARE, Turns
from cloud_sync.ledger.intake.worker import AT_ONCE, HELD, MOST_BYTES, SHARED_BYTES, Worker
from cloud_sync.ledger.keys import read_signing_key
from cloud_sync.ledger.stations.alarms import Cause
from cloud_sync.ledger.stations.models import Alarm, Conflict, Event, Stray
from cloud_sync.transport.mailbox import Message
from cloud_sync.transport.mqtt import TAKEN_OVER, MqttLink
from cloud_sync.wire import topics
from cloud_sync.wire.envelope import Receipt
from config.station import CloudSection
from tests.engines import BOTH
from tests.ledger.conftest import PREPARED
from tests.ledger.town import NOW, RIGHT, Town, event, visit_facts

NOISY, QUIET = ("sunny-garden", "east-gate"), ("sunny-garden", "west-gate")
FLOOD = 3000


def message(number: int, station: Name = NOISY, size: int = 1) -> Message:
    return Message(topics.events(*station), b"%d" % number + b" " * size, False, lambda: None)  # noqa: FBT003


class Flood:
    """A worker's life in rounds: it takes what has room, then what is next."""

    def __init__(self, work: int) -> None:
        self.turns = Turns(HELD, AT_ONCE, MOST_BYTES, SHARED_BYTES)
        self.work = work
        self.worked = 0
        self.rounds = 0
        self.applied: list[Message] = []

    def run(self, arriving: list[Message], wanted: Message) -> None:
        """Go on until the wanted message was applied, the broker giving what the worker has room for."""
        while wanted not in self.applied:
            while arriving and self.turns.has_room:
                came = arriving.pop(0)
                self.turns.add(came, topics.station_of(came.topic), now=0.0)
            for waiting in self.turns.take(now=0.0):
                self.applied.append(waiting.message)
                self.worked += self.work
                self.turns.charge(waiting.station, self.work, now=0.0)
                waiting.done = True
            self.turns.finished()
            self.rounds += 1


@pytest.mark.parametrize("size", [1, 16_000])
@pytest.mark.parametrize("work", [MESSAGE + 450, MESSAGE + 500, MESSAGE + 100, MESSAGE + 1])
def test_a_flood_before_a_message_costs_it_a_bounded_amount_of_work(work: int, size: int) -> None:
    flood = Flood(work)
    last = message(FLOOD, QUIET)
    flood.run([*(message(number, size=size) for number in range(FLOOD)), last], last)
    assert flood.worked <= A_MINUTE + SHARE * work
    assert len(flood.applied) < FLOOD / 2


def test_stations_that_wait_together_are_taken_by_turns() -> None:
    turns = Turns(HELD, AT_ONCE, most_bytes=10, shared_bytes=10)
    for number in range(4):
        turns.add(message(number), NOISY, now=0.0)
    turns.add(message(9, QUIET), QUIET, now=0.0)
    taken = [waiting.message.payload for waiting in turns.take(now=0.0)]
    assert taken == [b"0 ", b"9 ", b"1 ", b"2 ", b"3 "]


def test_a_turn_that_is_full_of_bytes_goes_on_with_the_next_station() -> None:
    turns = Turns(HELD, AT_ONCE, most_bytes=1, shared_bytes=1)
    for number in range(2):
        turns.add(message(number), NOISY, now=0.0)
    turns.add(message(9, QUIET), QUIET, now=0.0)
    assert [turns.take(now=0.0)[0].message.payload for _ in range(3)] == [b"0 ", b"9 ", b"1 "]


def test_what_is_done_is_forgotten_in_the_order_it_came() -> None:
    turns = Turns(HELD, AT_ONCE, MOST_BYTES, SHARED_BYTES)
    for number, station in enumerate([NOISY, NOISY, QUIET]):
        turns.add(message(number, station), station, now=0.0)
    first, other, second = turns.take(now=0.0)
    other.done = second.done = True
    assert turns.finished() == []
    turns.give_back([first])
    assert turns.take(now=0.0) == [first]
    first.done = True
    assert [one.payload for one in turns.finished()] == [b"0 ", b"1 ", b"2 "]


def test_a_station_that_waits_for_its_receipts_is_let_go_of_nothing() -> None:
    turns = Turns(HELD, AT_ONCE, MOST_BYTES, SHARED_BYTES)
    for _ in range(12):
        for number in range(SHARE // 2):
            turns.add(message(number), NOISY, now=0.0)
        for waiting in turns.take(now=0.0):
            turns.charge(NOISY, MESSAGE + 100, now=0.0)
            waiting.done = True
        turns.finished()
    assert not turns.let_go


def test_a_station_that_sent_too_much_is_heard_again_a_minute_later() -> None:
    turns = Turns(HELD, AT_ONCE, MOST_BYTES, SHARED_BYTES)
    turns.charge(NOISY, A_MINUTE, now=100.0)
    turns.add(message(1), NOISY, now=100.0)
    assert turns.is_empty
    turns.add(message(2), NOISY, now=160.0)
    assert [waiting.message.payload for waiting in turns.take(now=0.0)] == [b"2 "]
    assert turns.let_go == {NOISY: 1}


class Gate:
    """A worker over a link without a broker, whose rounds the test makes one by one."""

    def __init__(self, free_port: Callable[[], int], apply: Callable[..., Mapping[Name, Applied]]) -> None:
        self.link = MqttLink(CloudSection(port=free_port()), "worker", [])
        self.acknowledged: list[int] = []
        self.worker = Worker(self.link, read_signing_key(PREPARED / "state"), threading.Event(), apply)

    def arrive(self, number: int, payload: bytes, station: Name = NOISY) -> None:
        def ack() -> None:
            self.acknowledged.append(number)

        self.link.messages.put(Message(topics.events(*station), payload, False, ack))  # noqa: FBT003


@pytest.mark.usefixtures("town")
def test_a_worker_applies_the_others_in_the_round_in_which_they_come(free_port: Callable[[], int]) -> None:
    rounds: list[list[str]] = []

    def apply(messages: Sequence[Sent], _now: datetime) -> Mapping[Name, Applied]:
        rounds.append([sent.station for sent in messages])
        return {}

    gate = Gate(free_port, apply)
    for number in range(AT_ONCE - 1):
        gate.arrive(number, b"noise")
    gate.arrive(AT_ONCE, b"a visit", QUIET)
    gate.worker.turn()
    assert rounds == [["east-gate", "west-gate", *["east-gate"] * (SHARE - 1)]]
    assert gate.acknowledged == [*range(AT_ONCE - 1), AT_ONCE]
    assert Alarm.objects.get().reason == Cause.UNKNOWN_STATION  # neither was ever admitted


def test_a_topic_that_names_no_station_is_forgotten_in_its_order(free_port: Callable[[], int]) -> None:
    gate = Gate(free_port, lambda *_: {})
    gate.arrive(1, b"a visit")
    gate.arrive(2, b"noise", ("", "x" * 30_000))
    gate.arrive(3, b"a visit")
    gate.worker.turn()
    assert gate.acknowledged == [1, 2, 3]


def test_what_is_let_go_has_one_alarm_that_counts(town: Town, free_port: Callable[[], int]) -> None:
    town.station("east-gate")
    gate = Gate(free_port, apply_messages)
    for number in range(SHARE + 9):
        gate.arrive(number, town.seal(event(1, visit_facts(1, RIGHT, provisional=2))))
    gate.worker.turn()
    alarm = Alarm.objects.get()
    assert (alarm.station, alarm.reason, alarm.times) == ("east-gate", Cause.TOO_MUCH, 9)
    assert Event.objects.count() == 1
    assert gate.acknowledged == list(range(SHARE + 9))


@pytest.mark.parametrize(("bound", "most"), [("worker.EPOCH", A_MINUTE), ("begun.MOST", 2)])
def test_epochs_beyond_the_bound_wait_unread_with_an_alarm(
    town: Town, free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    monkeypatch.setattr(f"cloud_sync.ledger.intake.{bound}", most)
    town.station("east-gate")
    gate = Gate(free_port, apply_messages)
    for number in range(2):
        facts = visit_facts(1, RIGHT, provisional=2)
        gate.arrive(
            number, town.seal(event(1, facts, epoch="a" * 16), event(1, facts, epoch=f"{number:016x}"))
        )
        gate.worker.turn()
    assert Event.objects.count() == 2
    alarm = Alarm.objects.get()
    assert (alarm.reason, alarm.times) == (Cause.TOO_MUCH, 1)
    assert gate.acknowledged == [0, 1]


class TestOverBothDatabases:
    """Evidence of one station, however much it sends."""

    pytestmark = BOTH

    def test_evidence_is_bounded_and_its_alarm_counts_all_of_it(
        self, town: Town, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store, "MAX_STRAYS", 30)
        monkeypatch.setattr(store, "MAX_CONFLICTS", 30)
        town.deliver(*(event(number, visit_facts(1, RIGHT, provisional=2)) for number in range(1, 51)))
        for _ in range(2):
            town.deliver(*(event(number, visit_facts(1, RIGHT, provisional=1)) for number in range(1, 51)))
            town.deliver(*(b'{"sequence":%d}' % number for number in range(40)))
        assert (Conflict.objects.count(), Stray.objects.count()) == (30, 30)
        times = dict(Alarm.objects.values_list("reason", "times"))
        assert times == {Cause.CONFLICT: 100, Cause.SET_ASIDE: 80}

    def test_a_transaction_writes_one_alarm_a_cause(self, town: Town) -> None:
        town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))
        sent = [
            Sent(town.seal(b'{"sequence":%d}' % number, b"7"), "sunny-garden", "east-gate")
            for number in range(5)
        ]
        sent += [Sent(b"noise", "sunny-garden", "east-gate")] * 7
        receipts = apply_messages(sent, NOW)
        assert isinstance(receipts["sunny-garden", "east-gate"].receipt, Receipt)
        times = dict(Alarm.objects.values_list("reason", "times"))
        assert times == {Cause.SET_ASIDE: 10, Cause.UNREADABLE: 7}


def test_a_worker_whose_name_is_used_twice_does_not_say_that_the_broker_is_away(
    free_port: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate(free_port, lambda *_: {})
    gate.link._noticed_taking_over(TAKEN_OVER)  # noqa: SLF001 (as after so many connections)
    gate.worker._connected = True  # noqa: SLF001 (it was, a moment ago)
    gate.worker._tell_connection()  # noqa: SLF001
    assert "another process or Pi uses the name worker" in caplog.text
    assert "away" not in caplog.text
