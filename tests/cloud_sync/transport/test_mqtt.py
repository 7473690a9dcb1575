from __future__ import annotations

import gc
import logging
import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NoReturn, Protocol

import pytest
from paho.mqtt.client import Client

from cloud_sync.transport.mailbox import Mailbox, Message
from cloud_sync.transport.mqtt import (
    BACKLOG,
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    TAKEN_OVER,
    MqttLink,
    Will,
    pause_s,
)
from config.errors import InputError
from config.station import CloudSection
from tests.waiting import WITHIN_S, until

Join = Callable[..., MqttLink]


class Broker(Protocol):
    port: int
    keeps_sessions: bool

    def start(self) -> None: ...

    def stop(self) -> None: ...


def received(link: MqttLink) -> Message:
    return link.messages.get(timeout=WITHIN_S)


def publish(link: MqttLink, body: bytes) -> bool:
    return link.publish("tz/events", body) is not None


@pytest.fixture
def join(broker: Broker) -> Iterator[Join]:
    """Start links at the broker; all are stopped afterwards."""
    links: list[MqttLink] = []

    def start(client_id: str, *subscriptions: str, **options: Any) -> MqttLink:  # noqa: ANN401 (as MqttLink has them)
        settings = CloudSection(host="127.0.0.1", port=broker.port)
        link = MqttLink(settings, client_id, subscriptions, **options)
        links.append(link)
        link.start()
        until(lambda: link.connected)
        return link

    yield start
    for link in links:
        link.stop()


def test_a_message_reaches_a_subscriber_and_its_puback_the_sender(join: Join) -> None:
    pubacks: SimpleQueue[int] = SimpleQueue()
    consumer = join("consumer", "tz/+/events")
    sender = join("sender", on_puback=pubacks.put)
    token = sender.publish("tz/a/events", b"\x00\xff bytes")
    message = received(consumer)
    assert (message.topic, message.payload) == ("tz/a/events", b"\x00\xff bytes")
    assert pubacks.get(timeout=WITHIN_S) == token
    message.ack()


def test_a_retained_message_waits_for_later_subscribers(join: Join) -> None:
    pubacks: SimpleQueue[int] = SimpleQueue()
    sender = join("sender", on_puback=pubacks.put)
    sender.publish("tz/a/receipts", b"kept", retain=True)
    pubacks.get(timeout=WITHIN_S)
    message = received(join("late", "tz/a/receipts"))
    assert (message.payload, message.retained) == (b"kept", True)


def test_only_an_acknowledged_message_is_forgotten_by_the_broker(join: Join) -> None:
    consumer, sender = join("consumer", "tz/events"), join("sender")
    sender.publish("tz/events", b"first")
    sender.publish("tz/events", b"second")
    received(consumer).ack()
    assert received(consumer).payload == b"second"
    consumer.stop()

    again = join("consumer", "tz/events")
    assert received(again).payload == b"second"
    sender.publish("tz/events", b"third")
    assert received(again).payload == b"third"


def test_a_flood_of_one_topic_does_not_hold_up_another(join: Join) -> None:
    box = Mailbox("tz/+/commands", 8)
    consumer, flooder = join("consumer", "tz/+/events", mailboxes=[box]), join("flooder", window=1000)
    numbers = [b"%d" % number for number in range(3 * BACKLOG)]
    for number in numbers:
        until(partial(flooder.publish, "tz/a/commands", number, qos=0))
    flooder.publish("tz/a/events", b"through")
    assert received(consumer).payload == b"through"
    until(lambda: (one := box.take(WITHIN_S)) is not None and one.payload == numbers[-1])


def test_a_goodbye_logs_no_error(join: Join, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for number in range(5):
        join(f"client-{number}", "tz/events").stop()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_messages_for_a_client_that_is_away_wait_in_its_session(join: Join) -> None:
    join("consumer", "tz/events").stop()
    pubacks: SimpleQueue[int] = SimpleQueue()
    sender = join("sender", on_puback=pubacks.put)
    sender.publish("tz/events", b"while away")
    pubacks.get(timeout=WITHIN_S)
    assert received(join("consumer", "tz/events")).payload == b"while away"


def test_publishing_without_a_broker_is_refused_and_never_sent_later(broker: Broker, join: Join) -> None:
    sender, consumer = join("sender"), join("consumer", "tz/events")
    broker.stop()
    until(lambda: not sender.connected)
    assert sender.publish("tz/events", b"lost on purpose") is None
    broker.start()
    until(lambda: sender.connected and consumer.connected)
    sender.publish("tz/events", b"after")
    assert received(consumer).payload == b"after"


def test_links_come_back_with_their_subscriptions_when_the_broker_restarts(
    broker: Broker, join: Join
) -> None:
    consumer, sender = join("consumer", "tz/events"), join("sender")
    for round_ in range(3):
        broker.stop()
        until(lambda: not (sender.connected or consumer.connected))
        broker.start()
        until(lambda: sender.connected and consumer.connected)
        sender.publish("tz/events", b"%d" % round_)
        # At least once: what the last connection did not live to acknowledge may come again first.
        while (message := received(consumer)).payload != b"%d" % round_:
            assert message.payload == b"%d" % (round_ - 1)
            message.ack()
        message.ack()
        assert message.payload == b"%d" % round_
    assert sender.connections == 4


def test_a_session_survives_the_restart_of_a_broker_that_keeps_them(broker: Broker, join: Join) -> None:
    if not broker.keeps_sessions:
        pytest.skip("iotcore forgets its sessions when it restarts")
    consumer, sender = join("consumer", "tz/events"), join("sender")
    sender.publish("tz/events", b"unacknowledged")
    received(consumer)
    broker.stop()
    broker.start()
    assert received(consumer).payload == b"unacknowledged"


def test_an_acknowledgement_from_before_a_restart_hits_no_later_message(broker: Broker, join: Join) -> None:
    consumer, sender = join("consumer", "tz/events"), join("sender")
    sender.publish("tz/events", b"old")
    stale = received(consumer)
    broker.stop()
    until(lambda: not consumer.connected)
    broker.start()
    until(lambda: sender.connected and consumer.connected)
    sender.publish("tz/events", b"new")
    while received(consumer).payload != b"new":
        pass
    stale.ack()
    consumer.stop()
    waiting = join("consumer", "tz/events")
    seen = {received(waiting).payload}
    while b"new" not in seen:
        seen.add(received(waiting).payload)


def test_the_window_refuses_a_publish_beyond_it_until_a_puback_makes_room(join: Join) -> None:
    pubacks: SimpleQueue[int] = SimpleQueue()
    sender = join("sender", window=2, on_puback=pubacks.put)
    tokens = [sender.publish("tz/events", b"x" * 8000) for _ in range(200)]
    taken = [token for token in tokens if token is not None]
    assert len(taken) < 200
    assert {pubacks.get(timeout=WITHIN_S) for _ in taken} == set(taken)
    assert sender.publish("tz/events", b"room again") is not None


def test_a_slow_consumer_gets_everything_once_it_reads(join: Join) -> None:
    consumer, sender = join("consumer", "tz/events"), join("sender", window=500)
    bodies = [b"%d" % number for number in range(400)]
    for body in bodies:
        until(partial(publish, sender, body))
    got: list[bytes] = []
    while len(got) < len(bodies):
        message = received(consumer)
        message.ack()
        got.append(message.payload)
    assert got == bodies


DOOMED = """
import sys, time
from cloud_sync.transport.mqtt import MqttLink, Will
from config.station import CloudSection
broker = CloudSection(host="127.0.0.1", port=int(sys.argv[1]))
link = MqttLink(broker, "doomed", (), will=Will("tz/a/state", lambda number: b"offline %d" % number))
link.start()
while not link.connected:
    time.sleep(0.01)
print("connected", flush=True)
sys.stdin.read()
"""


def test_the_will_is_sent_for_a_killed_client(broker: Broker, join: Join) -> None:
    watcher = join("watcher", "tz/a/state")
    command = [sys.executable, "-c", DOOMED, str(broker.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as doomed:
        assert doomed.stdout is not None
        assert doomed.stdout.readline() == b"connected\n"
        doomed.kill()
        assert received(watcher).payload == b"offline 1"


def test_a_client_that_says_goodbye_leaves_no_will(join: Join) -> None:
    watcher, sender = join("watcher", "tz/a/state"), join("sender")
    join("polite", will=Will("tz/a/state", lambda number: b"offline %d" % number)).stop()
    sender.publish("tz/a/state", b"after")
    assert received(watcher).payload == b"after"


def test_what_was_published_before_stop_is_sent(join: Join) -> None:
    watcher, sender = join("watcher", "tz/a/state"), join("sender")
    sender.publish("tz/a/state", b"last words")
    sender.stop()
    assert received(watcher).payload == b"last words"


def test_a_link_stops_at_once_while_no_broker_answers(broker: Broker) -> None:
    broker.stop()
    link = MqttLink(CloudSection(host="127.0.0.1", port=broker.port), "alone", ())
    link.start()
    link.stop()
    with pytest.raises(Empty):
        link.messages.get_nowait()


def sockets() -> set[str]:
    """What this process has open of sockets."""
    named = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the very one by which the folder is read
            named.append(os.fspath(descriptor.readlink()))
    return {name for name in named if name.startswith("socket:")}


def test_an_ended_link_leaves_no_open_socket_to_the_garbage_collector(broker: Broker) -> None:
    before = sockets()
    gc.disable()
    try:
        link = MqttLink(CloudSection(host="127.0.0.1", port=broker.port), "brief", ("tz/events",))
        link.start()
        until(lambda: link.connected)
        assert sockets() > before
        link.stop()
        until(lambda: sockets() <= before, "its sockets are closed")
    finally:
        gc.enable()


def test_two_links_with_one_name_log_it_once_and_do_not_call_the_broker_away(
    join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    one = join("tz-sunny-garden-east-gate")
    other = join("tz-sunny-garden-east-gate")

    def told() -> list[str]:
        return [line for line in caplog.messages if "another process or Pi uses the name" in line]

    until(lambda: one.contested and other.contested and len(told()) >= 2)
    assert len(told()) == 2
    assert all("tz-sunny-garden-east-gate" in line for line in told())


def test_an_unreachable_broker_is_not_taken_for_a_second_client(free_port: Callable[[], int]) -> None:
    link = MqttLink(CloudSection(port=free_port()), "gate", [])
    link._noticed_taking_over(TAKEN_OVER)  # noqa: SLF001 (as after so many)
    assert link.contested
    link.start()
    until(lambda: not link.contested)
    link.stop()


def test_pauses_grow_are_capped_and_have_jitter() -> None:
    jitter = random.Random(7)
    pauses = [pause_s(failures, jitter) for failures in range(1000)]
    assert pauses[0] <= FIRST_PAUSE_S
    assert max(pauses) <= LONGEST_PAUSE_S
    assert all(pause >= LONGEST_PAUSE_S / 2 for pause in pauses[10:])
    assert len(set(pauses)) == len(pauses)


def test_a_password_file_that_is_missing_is_named() -> None:
    broker = CloudSection(username="station-1", password_file="/nowhere/secret")  # noqa: S106
    with pytest.raises(InputError, match="/nowhere/secret"):
        MqttLink(broker, "x", ())


class Guarded(Protocol):
    port: int
    ca: Path
    password: Path
    wrong_password: Path

    def restart(self) -> None: ...


def guarded_link(broker: Guarded, ca: Path, password: Path) -> MqttLink:
    settings = CloudSection(port=broker.port, tls_ca=str(ca), username="gate", password_file=str(password))
    return MqttLink(settings, "gate", ["tz/events"])


def test_a_link_joins_a_broker_over_tls_with_its_password(guarded: Guarded) -> None:
    link = guarded_link(guarded, guarded.ca, guarded.password)
    link.start()
    until(lambda: link.connected)
    link.publish("tz/events", b"private")
    assert received(link).payload == b"private"
    link.stop()


def test_a_wrong_password_is_refused_and_logged(guarded: Guarded, caplog: pytest.LogCaptureFixture) -> None:
    link = guarded_link(guarded, guarded.ca, guarded.wrong_password)
    link.start()
    until(lambda: "the broker refuses gate: Not authorized" in caplog.text)
    assert not link.connected
    assert link.publish("tz/events", b"too early") is None
    link.stop()


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_broker_with_a_certificate_of_another_authority_gets_no_password(
    guarded: Guarded,
    tmp_path: Path,
    make_certificate: Callable[[Path, Path], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    make_certificate(tmp_path / "other.pem", tmp_path / "other-key.pem")
    link = guarded_link(guarded, tmp_path / "other.pem", guarded.password)
    link.start()
    until(lambda: "certificate verify failed" in caplog.text)
    assert not link.connected
    link.stop()


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("at", ["the start", "a restart of the broker"])
@pytest.mark.parametrize("part", [0.0, 0.5])
def test_a_link_connects_once_its_ca_file_is_whole_again(
    guarded: Guarded, at: str, part: float, caplog: pytest.LogCaptureFixture
) -> None:
    authority = guarded.ca.with_name("copied.pem")  # as `cp` writes it: empty, a part, whole
    whole = guarded.ca.read_bytes()
    authority.write_bytes(whole)
    link = guarded_link(guarded, authority, guarded.password)
    if at != "the start":
        link.start()
        until(lambda: link.connected)
    authority.write_bytes(whole[: int(len(whole) * part)])
    if at == "the start":
        link.start()
    else:
        guarded.restart()
    until(lambda: f"CA file {authority} cannot be used" in caplog.text)
    assert not link.connected
    authority.write_bytes(whole)
    until(lambda: link.connected)
    link.stop()
    assert caplog.text.count("cannot be used") == 1


def test_a_password_that_was_changed_is_read_again(guarded: Guarded, tmp_path: Path) -> None:
    password = tmp_path / "copied"
    password.write_text("")  # as `cp` leaves it for a moment
    password.chmod(0o600)
    link = guarded_link(guarded, guarded.ca, password)
    link.start()
    password.write_bytes(guarded.password.read_bytes())
    until(lambda: link.connected)
    link.stop()


def test_a_password_file_that_anybody_can_read_is_refused_with_its_mend(
    guarded: Guarded,
) -> None:
    guarded.password.chmod(0o644)
    with pytest.raises(InputError, match=f"chmod 640 {guarded.password}"):
        guarded_link(guarded, guarded.ca, guarded.password)


def mistaken(*_: object) -> NoReturn:
    raise RuntimeError("no such packet")


def test_an_error_in_the_network_loop_ends_the_connection_but_not_the_link(
    broker: Broker, join: Join, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert broker.port
    link = join("gate", "tz/events")
    with monkeypatch.context() as broken:
        broken.setattr(Client, "_loop", mistaken)
        until(lambda: link.connections > 1)
    until(lambda: link.connected)
    assert caplog.text.count("the connection to the broker broke") == 1


def test_a_link_sends_each_packet_at_once(broker: Broker, join: Join) -> None:
    assert broker.port
    link = join("prompt")
    client = link._connection.client if link._connection else None  # noqa: SLF001 (the socket is paho's)
    sock = client.socket() if client else None
    assert isinstance(sock, socket.socket)
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
