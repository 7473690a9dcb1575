"""A command on its way to a lid, and its answer back: a real broker, real sockets, both processes' ends."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from iotcore import Broker

from cloud_sync.transport.mailbox import Mailbox, Message
from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.wire import sealed_commands, topics
from cloud_sync.wire.commands import (
    LIFE_S,
    Answer,
    Ending,
    EndService,
    Identify,
    OpenBin,
    Part,
    Pulse,
    RemoteCommand,
    RestartPart,
    Verb,
    Why,
)
from cloud_sync.wire.envelope import decode_event, key_id
from cloud_sync.wire.facts import CommandFacts
from config.station import CloudSection
from edge.faults import FaultCode
from edge.loop.clocks import RealClock
from edge.loop.latches import ServiceLatch
from edge.loop.remote_orders import RemoteOrders
from edge.messages import FaultRaised, LidOpened
from edge.remote.desk import Desk
from edge.remote.freshness import Boot, Register
from edge.sync.commands import CommandPost
from edge.sync.keys import StationIdentity, StationKeys
from edge.sync.outbox import Outbox
from tests.edge.builders import BOOT, bin_rule, command, rules_of
from tests.edge.workbench import Bench
from tests.waiting import WITHIN_S, until

HERE = ("lane", "gate")


@dataclass
class Line:
    """A ledger, a broker, a sync process's end and a station, each real but for the ledger."""

    bench: Bench
    ledger: MqttLink
    post: CommandPost
    key: Ed25519PrivateKey
    keys: StationKeys
    heard: Mailbox
    left: list[str] = field(default_factory=list)
    uptime: float = 1000.0

    def pump(self) -> None:
        self.bench.station.run_pending()

    def publish(
        self, one: RemoteCommand, key: Ed25519PrivateKey | None = None, *, retain: bool = False
    ) -> None:
        sealed = sealed_commands.seal(key or self.key, one)
        until(lambda: self.ledger.publish(topics.commands(*HERE), sealed, qos=0, retain=retain) is not None)

    def order(self, verb: Verb, **changed: object) -> RemoteCommand:
        one = command(verb, secrets.randbits(100), **({"not_after": self.uptime + LIFE_S} | changed))
        self.publish(one)
        return one

    def answer(self, one: RemoteCommand) -> Answer:
        found: list[Answer] = []

        def came() -> bool:
            self.pump()
            record = self.next_record()
            if isinstance(record, Answer) and record.id == one.id:
                found.append(record)
            return bool(found)

        until(came, f"{one.verb} is answered")
        return found[0]

    def next_record(self) -> Answer | Pulse | None:
        message = self.heard.take(0.01)
        public = self.keys.signing.public_key()
        return (
            None
            if message is None
            else sealed_commands.open_answer(message.payload, {key_id(public): public})
        )


@pytest.fixture
def line(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Line]:
    bench = Bench(tmp_path, rules_of(bin_rule()))
    key = Ed25519PrivateKey.generate()
    keys = StationKeys(Ed25519PrivateKey.generate(), b"k" * 32, key.public_key())
    with Broker(port=free_port(), listen="127.0.0.1") as broker:
        settings = CloudSection(port=broker.port)
        heard, mailbox = Mailbox(topics.answers("+", "+")), Mailbox(topics.commands(*HERE))
        ledger = MqttLink(settings, "ledger", (), mailboxes=[heard])
        link = MqttLink(settings, "station", (), mailboxes=[mailbox])
        post = CommandPost(
            StationIdentity(*HERE, keys),
            link,
            mailbox,
            tmp_path / "run",
            RealClock(),
            uptime=lambda: made.uptime,
            leave=lambda: made.left.append("sync"),
        )
        made = Line(bench, ledger, post, key, keys, heard)
        desk = Desk(tmp_path / "run", BOOT, RealClock(), bench.inbox)
        ends: dict[Part, Callable[[], bool]] = {"sync": desk.send_sync_away, "lids": lambda: False}
        remote = RemoteOrders(Register(Boot(*HERE, BOOT)), lambda: made.uptime, desk.answer, ends)
        bench.use(remote)
        bench.lids["kitchen"].moved = lambda name, lease_s: (
            bench.inbox.post(LidOpened(bench.clock.now(), name)) if lease_s is not None else None
        )
        for one in (ledger, link):
            one.start()
        desk.start()
        post.start()
        until(lambda: ledger.connected and link.connected)
        yield made
        post.stop()
        for one in (ledger, link):
            one.stop()
        desk.stop()
        bench.close()


def records(line: Line) -> list[CommandFacts]:
    """Give the commands in the journal."""
    line.bench.pass_time(1.0)
    outbox = Outbox(line.bench.folder)
    try:
        rows = outbox.waiting(0, 100)
    finally:
        outbox.close()
    facts = [decode_event(bytes(row.event)).facts for row in rows]
    return [one for one in facts if isinstance(one, CommandFacts)]


def test_a_signed_command_opens_a_lid_and_its_signed_answer_says_what_the_switch_saw(line: Line) -> None:
    one = line.order(OpenBin("kitchen"), issuer="王主任", reason="保洁员在等")
    answer = line.answer(one)
    assert (answer.outcome, answer.lid, answer.station) == (Ending.DONE, "open", "gate")
    assert [note[0] for note in line.bench.diary].count("open") == 1
    (noted,) = records(line)
    assert (noted.id, noted.verb, noted.target) == (one.id, "open", "kitchen")
    assert (noted.issuer, noted.reason) == ("王主任", "保洁员在等")


def test_the_same_id_ten_times_has_one_effect_and_ten_equal_answers(line: Line) -> None:
    one = line.order(OpenBin("kitchen"))
    answers = [line.answer(one)]
    for _ in range(9):
        line.publish(one)
        answers.append(line.answer(one))
    assert len(set(map(str, answers))) == 1
    assert [note[0] for note in line.bench.diary].count("open") == 1


@pytest.mark.parametrize(
    ("changed", "outcome", "why"),
    [
        ({"not_after": 999.0}, Ending.EXPIRED, Why.TOO_LATE),
        ({"boot": "c" * 32}, Ending.EXPIRED, Why.OTHER_BOOT),
        ({"station": "west"}, Ending.REFUSED, Why.NOT_MINE),
    ],
)
@pytest.mark.parametrize("clock_off_s", [-3.2e8, 0.0, 3.2e8])
def test_a_command_that_came_too_late_or_is_not_for_us_does_nothing_whatever_the_calendar(
    line: Line, changed: dict[str, object], outcome: Ending, why: Why, clock_off_s: float
) -> None:
    line.bench.clock.unix_s += clock_off_s
    answer = line.answer(line.order(OpenBin("kitchen"), **changed))
    assert (answer.outcome, answer.why) == (outcome, why)
    assert "open" not in {note[0] for note in line.bench.diary}
    assert not records(line)
    assert line.answer(line.order(OpenBin("kitchen"))).outcome is Ending.DONE, "and a fresh one works"


def test_who_has_the_brokers_credentials_can_forge_no_command(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    line.publish(command(OpenBin("kitchen"), not_after=1010.0), Ed25519PrivateKey.generate())
    line.publish(command(OpenBin("kitchen"), not_after=1010.0), line.keys.signing)
    until(lambda: line.ledger.publish(topics.commands(*HERE), b"open!", qos=0) is not None)
    assert line.answer(line.order(Identify())).outcome is Ending.DONE
    assert caplog.text.count("command rejected") == 3
    assert "open" not in {note[0] for note in line.bench.diary}


def test_a_retained_command_is_ignored_and_named(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    message = sealed_commands.seal(line.key, command(OpenBin("kitchen"), not_after=1010.0))
    line.post._pass_on(  # noqa: SLF001 (a broker sends retained messages only to new subscribers)
        Message(topics.commands(*HERE), message, retained=True, _acknowledge=lambda: None)
    )
    assert "retained" in caplog.text
    line.pump()
    assert "open" not in {note[0] for note in line.bench.diary}


def test_an_emergency_beats_a_signed_command(line: Line) -> None:
    line.bench.inbox.post(FaultRaised(line.bench.clock.now(), FaultCode.PANIC, "station"))
    answer = line.answer(line.order(OpenBin("kitchen")))
    assert (answer.outcome, answer.why) == (Ending.REFUSED, Why.EMERGENCY)
    assert not records(line)


def test_out_of_service_is_remembered_over_a_restart(line: Line) -> None:
    assert line.answer(line.order(EndService())).outcome is Ending.DONE
    assert ServiceLatch([line.bench.folder]).is_set


def test_the_sync_process_answers_and_then_ends_and_a_part_that_is_not_there_is_named(line: Line) -> None:
    assert line.answer(line.order(RestartPart("lids"))).why is Why.NO_SUCH_PART
    assert line.answer(line.order(RestartPart("sync"))).outcome is Ending.DONE
    until(lambda: line.left == ["sync"])


def test_the_ledger_is_told_boot_and_uptime(line: Line) -> None:
    pulses: list[Pulse] = []

    def came() -> bool:
        if isinstance(record := line.next_record(), Pulse):
            pulses.append(record)
        return bool(pulses)

    until(came, "a pulse comes")
    assert pulses[0] == Pulse(*HERE, BOOT, 1000.0)


def test_a_station_that_is_away_gets_nothing_later(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    line.post._station.stop()  # noqa: SLF001 (as if its process had ended)
    line.publish(command(OpenBin("kitchen"), not_after=1e4))
    until(lambda: "goes nowhere" in caplog.text, "it is dropped", WITHIN_S)
