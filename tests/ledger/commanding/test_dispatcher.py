"""Commands on their way from the office to a station and back, with a link that only notes what is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import IntegrityError, connection, transaction

from cloud_sync.ledger.commanding import orders, outcomes
from cloud_sync.ledger.commanding.dispatcher import AWAY_S, LOOK_S, Dispatcher, mailbox
from cloud_sync.ledger.commanding.models import Command, CommandState
from cloud_sync.ledger.commanding.texts import VERB_TEXTS, WHY_TEXTS, plain_outcome
from cloud_sync.ledger.officers.register import remove_officer
from cloud_sync.ledger.officers.rights import OfficerRole
from cloud_sync.ledger.stations.models import Station
from cloud_sync.ledger.stations.registry import retire_station
from cloud_sync.transport.mailbox import Mailbox, Message
from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.wire import sealed_commands, topics
from cloud_sync.wire.commands import (
    AGAIN_S,
    LIFE_S,
    VERBS,
    Answer,
    Ending,
    Pulse,
    RemoteCommand,
    Why,
)
from cloud_sync.wire.envelope import key_id
from config.errors import InputError
from config.station import CloudSection
from tests.engines import BOTH
from tests.ledger.signing_in import new_officer
from tests.ledger.town import NOW, Town

pytestmark = BOTH
GATE, BOOT, UPTIME = "east-gate", "b" * 32, 5000.0


class NotingLink(MqttLink):
    """A link that is connected and notes what is published."""

    connected = True

    def __init__(self, port: int) -> None:
        super().__init__(CloudSection(port=port), "worker", [])
        self.sent: list[tuple[str, bytes]] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> int | None:
        assert (retain, qos) == (False, 0)
        self.sent.append((topic, payload))
        return 1


@dataclass
class Office:
    """An office with one officer, a worker's dispatcher, and a station that answers by hand."""

    town: Town
    link: NotingLink
    key: Ed25519PrivateKey
    heard: Mailbox = field(default_factory=mailbox)
    at: float = 100.0
    now: datetime = NOW
    forms: int = 0

    def __post_init__(self) -> None:
        self.dispatcher = self.another()

    def another(self) -> Dispatcher:
        return Dispatcher(self.link, self.heard, self.key, lambda: self.at, lambda: self.now)

    @property
    def station(self) -> Station:
        return Station.objects.get(slug=GATE)

    def order(
        self, verb: str = "open", about: str = "kitchen", form: str = "", issuer: str = "wang"
    ) -> Command:
        self.forms += 1
        return orders.make_command(
            self.station,
            verb,
            about,
            form=form or f"form {self.forms}",
            issuer=issuer,
            reason="the cleaner waits",
            now=self.now,
        )

    def say(
        self, record: Answer | Pulse, key: Ed25519PrivateKey | None = None, *, retained: bool = False
    ) -> None:
        payload = sealed_commands.seal(key or self.town.station(GATE), record)
        topic = topics.answers(self.town.community.slug, GATE)
        self.heard.put(Message(topic, payload, retained, lambda: None))

    def pulse(self, uptime: float = UPTIME, boot: str = BOOT) -> None:
        self.say(Pulse(self.town.community.slug, GATE, boot, uptime))

    def later(self, seconds: float) -> None:
        self.at += seconds
        self.now += timedelta(seconds=seconds)
        self.dispatcher.turn(0)

    def sent(self) -> list[RemoteCommand]:
        public = self.key.public_key()
        return [
            sealed_commands.open_command(payload, {key_id(public): public}) for _, payload in self.link.sent
        ]

    def answer(self, command: Command, outcome: Ending = Ending.DONE, why: Why | None = None) -> Answer:
        answer = Answer(command.order, self.town.community.slug, GATE, outcome, UPTIME + 2, why)
        done = outcome is Ending.DONE
        return msgspec.structs.replace(answer, lid="open", after_s=1.5) if done else answer


@pytest.fixture
def office(town: Town, free_port: Callable[[], int]) -> Office:
    town.station(GATE)
    new_officer("wang", OfficerRole.INSTALLER, town.community)
    return Office(town, NotingLink(free_port()), Ed25519PrivateKey.generate())


def state(command: Command) -> tuple[str, str]:
    command.refresh_from_db()
    return command.state, command.why


def test_a_command_is_sealed_for_the_boot_and_uptime_that_the_station_signed(office: Office) -> None:
    office.pulse()
    office.later(0)
    office.later(4)
    made = office.order()
    office.later(1)
    (sent,) = office.sent()
    assert (sent.id, sent.boot, sent.station, sent.issuer) == (made.order, BOOT, GATE, "wang")
    assert sent.not_after == UPTIME + 4 + LIFE_S, "30 s after it was given"
    assert office.link.sent[0][0] == topics.commands(office.town.community.slug, GATE)


def test_it_is_repeated_until_it_is_answered_with_what_the_switch_saw(office: Office) -> None:
    office.pulse()
    made = office.order()
    for _ in range(3):
        office.later(AGAIN_S)
    assert len(office.sent()) == 3
    assert len({str(one) for one in office.sent()}) == 1, "the same each time"
    office.say(office.answer(made))
    office.later(LOOK_S)
    office.later(AGAIN_S)
    assert len(office.sent()) == 3
    assert state(made) == (CommandState.ANSWERED, "")
    assert plain_outcome(made) == "Done: its switch reports the lid open."


def test_a_station_that_is_off_gets_nothing_and_the_office_reads_not_delivered(office: Office) -> None:
    made = office.order()
    for _ in range(10):
        office.later(AGAIN_S)
    assert state(made) == (CommandState.EXPIRED, outcomes.NOT_DELIVERED)
    assert "Not delivered" in plain_outcome(made)
    office.pulse()
    office.later(AGAIN_S)
    assert not office.link.sent, "nothing waits for it anywhere"


def test_a_station_that_fell_silent_is_away(office: Office) -> None:
    office.pulse()
    office.later(0)
    office.later(AWAY_S + 1)
    office.order()
    office.later(AGAIN_S)
    assert not office.link.sent


@pytest.mark.parametrize("days", [-7, 7])
def test_a_command_that_waited_a_week_does_nothing_whichever_way_the_calendar_jumped(
    office: Office, days: int
) -> None:
    made = office.order()
    office.now += timedelta(days=days)
    office.pulse()
    office.later(1)
    assert not office.link.sent
    assert made.pk
    assert state(made) == (CommandState.EXPIRED, outcomes.NOT_DELIVERED)


def test_a_calendar_that_stands_still_does_not_make_it_live_longer(office: Office) -> None:
    made = office.order()
    office.later(1)
    office.at += LIFE_S
    office.pulse()
    office.later(0)
    assert state(made)[0] == CommandState.EXPIRED


def test_a_double_click_makes_one_command(office: Office) -> None:
    first, second = office.order(form="one form"), office.order(form="one form")
    assert first.pk == second.pk
    assert Command.objects.count() == 1


def test_two_workers_send_the_same_command_for_the_same_boot(office: Office) -> None:
    office.pulse()
    office.order()
    office.dispatcher.turn(0)
    other = office.another()
    office.pulse(UPTIME + 100, "c" * 32)
    other.turn(0)
    assert len(office.sent()) == 2
    assert len({str(one) for one in office.sent()}) == 1


@pytest.mark.parametrize("forged", ["pulse", "answer"])
def test_who_has_the_brokers_credentials_can_forge_neither_pulse_nor_answer(
    office: Office, forged: str
) -> None:
    if forged == "answer":
        office.pulse()
    made = office.order()
    office.later(LOOK_S)
    stranger = Ed25519PrivateKey.generate()
    for key in (stranger, office.key):
        community = office.town.community.slug
        record = Pulse(community, GATE, BOOT, 1e6) if forged == "pulse" else office.answer(made)
        office.say(record, key)
        office.later(AGAIN_S)
    assert state(made)[0] == (CommandState.WAITING if forged == "pulse" else CommandState.SENT)


def test_a_neighbours_answer_and_a_retained_pulse_count_for_nothing(office: Office) -> None:
    other = office.town.station("west-gate")
    office.say(Pulse(office.town.community.slug, GATE, BOOT, UPTIME), retained=True)
    made = office.order()
    office.later(AGAIN_S)
    assert not office.link.sent
    office.pulse()
    office.later(AGAIN_S)
    office.say(office.answer(made), other)
    office.later(AGAIN_S)
    assert state(made)[0] == CommandState.SENT


def test_a_retired_officers_command_is_stopped_with_the_reason(office: Office) -> None:
    made = office.order()
    remove_officer("wang", "test", "left", NOW)
    office.pulse()
    office.later(AGAIN_S)
    assert not office.link.sent
    assert state(made) == (CommandState.REFUSED, outcomes.RETIRED)
    with pytest.raises(InputError, match="officer wang may not do this"):
        office.order()


def test_a_refusal_is_kept_with_its_reason_and_a_late_answer_is_the_truth(office: Office) -> None:
    office.pulse()
    refused, late = office.order(), office.order()
    office.later(LOOK_S)
    office.say(office.answer(refused, Ending.REFUSED, Why.EMERGENCY))
    office.later(LOOK_S)
    assert state(refused) == (CommandState.REFUSED, "emergency")
    office.later(LIFE_S)
    assert state(late) == (CommandState.EXPIRED, outcomes.NOT_DELIVERED)
    office.say(office.answer(late))
    office.later(LOOK_S)
    assert state(late) == (CommandState.ANSWERED, "")
    office.say(office.answer(late, Ending.REFUSED, Why.BUSY))
    office.later(LOOK_S)
    assert state(late) == (CommandState.ANSWERED, ""), "the first answer stands"


def test_open_commands_without_a_worker_are_ended_by_who_reads_them(office: Office) -> None:
    made = office.order()
    orders.lately(office.station, NOW + timedelta(seconds=20))
    assert state(made)[0] == CommandState.WAITING
    orders.lately(office.station, NOW + timedelta(seconds=60))
    assert state(made) == (CommandState.EXPIRED, outcomes.NOT_DELIVERED)


@pytest.mark.parametrize(
    ("verb", "about", "wrong"),
    [
        ("launch", "", "no command is called"),
        ("open", "", "open is about a bin"),
        ("identify", "kitchen", "identify is about nothing"),
        ("restart", "kettle", "restart kettle"),
        ("say", "emergency", "say emergency"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_before_it_is_stored(
    office: Office, verb: str, about: str, wrong: str
) -> None:
    with pytest.raises(InputError, match=wrong):
        office.order(verb, about)
    assert not Command.objects.exists()


def test_a_retired_station_and_a_stranger_are_refused(office: Office) -> None:
    new_officer("li", OfficerRole.CLERK, office.town.community)
    for issuer in ("li", "nobody"):
        with pytest.raises(InputError, match=f"officer {issuer} may not"):
            office.order(issuer=issuer)
    retire_station(office.town.community, GATE, NOW)
    with pytest.raises(InputError, match="is retired"):
        office.order()


def test_the_database_holds_what_a_command_is(office: Office) -> None:
    made = office.order()
    for change in (
        "reason = ''",
        "state = 'sent'",
        "state = 'answered', ended_at = made_at",
        "state = 'expired'",
        "boot = 'b'",
        "state = 'lost'",
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE commanding_command SET {change} WHERE id = {made.pk}")  # noqa: S608 (ours)


def test_every_verb_and_every_reason_has_words() -> None:
    assert set(VERB_TEXTS) == set(VERBS)
    assert set(WHY_TEXTS) == {*Why, outcomes.RETIRED, outcomes.NOT_DELIVERED}
