"""One worker, or two, over many communities: none delays, spoils or stops another."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.communities.facts import Facts
from cloud_sync.ledger.communities.register import add_community, all_communities
from cloud_sync.ledger.intake import worker as working
from cloud_sync.ledger.intake.apply import Applied, Name, apply_messages
from cloud_sync.ledger.intake.parse import Sent
from cloud_sync.ledger.intake.turns import SHARED_S, Turns
from cloud_sync.ledger.intake.worker import AT_ONCE, HELD, MOST_BYTES, SHARED_BYTES, Worker, bound_lock_waits
from cloud_sync.ledger.keys import read_signing_key
from cloud_sync.ledger.points.models import Transfer
from cloud_sync.ledger.points.posting import lock
from cloud_sync.ledger.stations.models import Community, Event
from cloud_sync.transport.mailbox import Message
from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.wire import topics
from config.station import CloudSection
from tests.engines import BOTH, ON_POSTGRES
from tests.ledger.conftest import PREPARED
from tests.ledger.town import RIGHT, Town, event, rules, visit_facts
from tests.waiting import until

GATE = "east-gate"


class FakeLink(MqttLink):
    """A broker that is there: what is put in arrives, and what is published is kept, the newest last."""

    connected = True

    def __init__(self, port: int) -> None:
        super().__init__(CloudSection(port=port), "worker", [])
        self.connections = 1
        self.published: list[str] = []
        self.acknowledged: list[int] = []
        self._numbers = count()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> int | None:
        assert payload
        assert (retain, qos) == (True, 1)
        self.published.append(topic)
        return 1

    def arrive(self, town: Town, *events: bytes) -> None:
        number = next(self._numbers)
        topic = topics.events(town.community.slug, GATE)
        payload = town.seal(*events, station=GATE)
        self.messages.put(Message(topic, payload, False, lambda: self.acknowledged.append(number)))  # noqa: FBT003

    def told(self, town: Town) -> int:
        """How many receipts the gate of a community was sent."""
        return self.published.count(topics.receipts(town.community.slug, GATE))


def found(number: int) -> Town:
    """The community of that number, made when first asked for; its gate is admitted."""
    facts = Facts(name_zh="小区", name_en=f"Community {number}", timezone="Asia/Shanghai")
    town = Town(add_community(f"c-{number}", facts, [rules(1)]))
    town.station(GATE)
    return town


def a_visit(number: int = 1, card: int = 1) -> bytes:
    return event(number, visit_facts(card, RIGHT, provisional=2), epoch="e" * 16)


def made(link: MqttLink, apply: Any = apply_messages, **given: Any) -> Worker:  # noqa: ANN401 (any function)
    given.setdefault("communities", all_communities)
    return Worker(link, read_signing_key(PREPARED / "state"), threading.Event(), apply, **given)


def turned(worker: Worker) -> bool:
    """Let a worker take one turn."""
    worker.turn()
    return True


def test_communities_that_wait_together_are_taken_by_turns_one_a_take() -> None:
    turns = Turns(HELD, AT_ONCE, MOST_BYTES, SHARED_BYTES)
    for number in range(6):
        name = ("busy", GATE) if number < 4 else (f"quiet-{number}", GATE)
        turns.add(Message(topics.events(*name), b"%d" % number, False, lambda: None), name, now=0.0)  # noqa: FBT003
    taken = [[waiting.message.payload for waiting in turns.take(now=0.0)] for _ in range(3)]
    assert taken == [[b"0", b"1", b"2", b"3"], [b"4"], [b"5"]]


def test_a_large_community_gives_way_after_each_take_and_one_that_rests_is_passed_by() -> None:
    turns = Turns(HELD, AT_ONCE, most_bytes=1, shared_bytes=1)
    for number, home in enumerate(["large", "large", "small", "large"]):
        name = (home, GATE)
        turns.add(Message(topics.events(*name), b"%d" % number, False, lambda: None), name, now=0.0)  # noqa: FBT003
    assert turns.take(0.0, ["large"])[0].message.payload == b"2"
    assert turns.take(0.0, ["large"]) == []
    assert not turns.is_empty
    assert turns.drop("large") == 3
    assert turns.is_empty


def test_turns_are_short_while_other_communities_are_about() -> None:
    turns = Turns(HELD, AT_ONCE, most_bytes=100, shared_bytes=2)

    def arrive(now: float, *homes: str) -> None:
        for home in homes:
            turns.add(Message(topics.events(home, GATE), b"v", False, lambda: None), (home, GATE), now)  # noqa: FBT003

    arrive(0.0, *["large"] * 9)
    assert len(turns.take(0.0)) == 9
    arrive(1.0, "small", *["large"] * 9)
    assert [len(turns.take(1.0 + SHARED_S * part)) for part in (0, 0.1, 0.9, 1)] == [1, 2, 2, 5]


class TestOverBothDatabases:
    pytestmark = BOTH

    @pytest.fixture
    def link(self, free_port: Callable[[], int], database: str) -> FakeLink:
        assert database
        return FakeLink(free_port())

    @pytest.mark.parametrize("many", [12, pytest.param(200, marks=pytest.mark.full)])
    def test_many_communities_are_served_by_one_worker(self, link: FakeLink, many: int) -> None:
        with transaction.atomic():
            towns = [found(number) for number in range(many)]
        worker = made(link)
        for town in towns:
            link.arrive(town, a_visit())
        for _ in range(2 * len(towns)):
            worker.turn()
        assert link.acknowledged == list(range(many))
        # Each has its receipt for what came, and one from its chores, which tell all stations where they are.
        assert {link.told(town) for town in towns} == {2}
        assert Transfer.objects.count() == many
        assert {row.position for row in Transfer.objects.all()} == {1}
        assert verify().problems == ()

    def test_a_community_that_breaks_the_code_or_is_busy_delays_no_other(
        self, link: FakeLink, caplog: pytest.LogCaptureFixture
    ) -> None:
        broken, busy, well = (found(number) for number in range(3))

        def apply(sent: Sequence[Sent], now: datetime) -> Mapping[Name, Applied]:
            (home,) = {one.community for one in sent}
            if home == broken.community.slug:
                raise ZeroDivisionError("a defect")
            if home == busy.community.slug:
                raise OperationalError("database is locked")
            return apply_messages(sent, now)

        worker = made(link, apply)
        for town in (broken, busy, well):
            link.arrive(town, a_visit())
        for _ in range(8):
            worker.turn()
        assert Event.objects.get().station.community == well.community
        assert link.acknowledged == [0]  # in order: what is busy comes before what is done
        assert "a defect" in caplog.text
        assert "the database cannot take what came of c-1" in caplog.text

    def test_one_that_stays_busy_is_let_go_of_before_it_keeps_the_others_out(
        self, link: FakeLink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(working, "HELD", 3)
        monkeypatch.setattr(working, "LET_GO_S", 0.0)
        busy, well = found(0), found(1)

        def apply(sent: Sequence[Sent], now: datetime) -> Mapping[Name, Applied]:
            if sent[0].community == busy.community.slug:
                raise OperationalError("database is locked")
            return apply_messages(sent, now)

        worker = made(link, apply)
        for number in (1, 2, 3):
            link.arrive(busy, a_visit(number))
        link.arrive(well, a_visit())
        until(lambda: turned(worker) and link.acknowledged == [0, 1, 2, 3], "all are acknowledged")
        assert Event.objects.get().station.community == well.community

    def test_chores_that_fail_for_one_are_done_for_the_others(
        self, link: FakeLink, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        towns = [found(number) for number in range(3)]
        looked: list[str] = []

        def end_waits(community: Community, now: datetime) -> None:
            looked.append(f"{community.slug} {now:%Z}")
            if community.slug == "c-1":
                raise ZeroDivisionError("a defect")

        monkeypatch.setattr("cloud_sync.ledger.intake.chores.end_waits", end_waits)
        worker = made(link)
        for _ in range(6):
            worker.turn()
        assert sorted(looked) == [f"{slug} UTC" for slug in ("c-0", "c-1", "c-2", "sunny-garden")]
        assert [link.told(town) for town in towns] == [1, 0, 1]
        assert "the chores of c-1 failed" in caplog.text

    def test_a_community_that_is_added_is_served_without_a_restart(self, link: FakeLink) -> None:
        worker = made(link)
        worker.turn()
        town = found(1)
        link.arrive(town, a_visit())
        until(lambda: turned(worker) and Event.objects.exists(), "what came is applied")
        assert Event.objects.get().station.community == town.community

    @pytest.mark.parametrize("seed", [1, 2])
    def test_two_workers_over_random_messages_of_five_communities_never_block_each_other(
        self, free_port: Callable[[], int], database: str, seed: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert database
        towns = [found(number) for number in range(5)]
        chance = random.Random(seed)
        links = [FakeLink(free_port()) for _ in range(2)]
        sent = [
            (chance.choice(towns), [a_visit(chance.randint(1, 9), 1) for _ in range(chance.randint(1, 3))])
            for _ in range(60)
        ]
        for link in links:
            order = sent[:]
            chance.shuffle(order)
            for town, events in order:
                link.arrive(town, *events)
        with both(links):
            until(lambda: all(len(link.acknowledged) == len(sent) for link in links), "both are through", 120)
        assert "deadlock" not in caplog.text
        came = {(town.community.slug, bytes(one)) for town, events in sent for one in events}
        assert Event.objects.count() == len(came)
        assert verify().problems == ()


@contextmanager
def both(links: Sequence[FakeLink]) -> Iterator[None]:
    """Two workers at once, each in a thread with a connection of its own."""
    workers = [made(link) for link in links]

    def run(worker: Worker) -> None:
        try:
            worker.run()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[worker]) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for worker in workers:
            worker._stopping.set()  # noqa: SLF001 (as a signal does)
        for thread in threads:
            thread.join()


class TestOverPostgres:
    """Rows that somebody holds: SQLite has one writer, whatever it writes."""

    pytestmark = ON_POSTGRES

    def test_a_community_whose_chain_somebody_holds_delays_no_other(
        self, free_port: Callable[[], int], database: str
    ) -> None:
        assert database
        held, well = found(0), found(1)
        link = FakeLink(free_port())
        holding, letting_go = threading.Event(), threading.Event()

        def hold() -> None:
            with transaction.atomic():
                lock(held.community)
                holding.set()
                letting_go.wait()
            connection.close()

        holder = threading.Thread(target=hold)
        holder.start()
        assert holding.wait(30)
        bound_lock_waits(connection)
        worker = made(link)
        link.arrive(held, a_visit())
        link.arrive(well, a_visit())
        until(lambda: turned(worker) and Event.objects.exists(), "the other is served meanwhile")
        assert Event.objects.get().station.community == well.community
        letting_go.set()
        holder.join()
        until(lambda: turned(worker) and link.acknowledged == [0, 1], "then the one that was held")
        assert Event.objects.count() == 2
        assert verify().problems == ()
