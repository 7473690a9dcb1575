"""A worker applies what waited together in one go, and acknowledges in the order of arrival, after it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import pytest
from django.db import OperationalError

from cloud_sync.ledger.intake.apply import Applied, Name
from cloud_sync.ledger.intake.parse import Sent
from cloud_sync.ledger.intake.worker import Worker
from cloud_sync.ledger.keys import read_signing_key
from cloud_sync.transport.mailbox import Message
from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.wire import topics
from config.station import CloudSection
from tests.ledger.conftest import PREPARED
from tests.waiting import until

EAST, WEST = (topics.events("sunny-garden", station) for station in ("east-gate", "west-gate"))
ARRIVING = (EAST, WEST, EAST, EAST, WEST)


Apply = Callable[[Sequence[Sent], datetime], Mapping[Name, Applied]]


def arriving(free_port: Callable[[], int]) -> tuple[MqttLink, list[int]]:
    """A link with all messages, and where each notes its number when it is acknowledged."""
    link = MqttLink(CloudSection(port=free_port()), "worker", [])
    order: list[int] = []
    for number, topic in enumerate(ARRIVING):
        link.messages.put(Message(topic, b"%d" % number, False, lambda number=number: order.append(number)))  # type: ignore[misc]  # noqa: FBT003
    return link, order


def acknowledged(free_port: Callable[[], int], apply: Apply) -> list[int]:
    """The order in which a worker acknowledges what arrives."""
    link, order = arriving(free_port)
    stopping = threading.Event()
    worker = Worker(link, read_signing_key(PREPARED / "state"), stopping, apply)
    thread = threading.Thread(target=worker.run)
    thread.start()
    until(lambda: len(order) == len(ARRIVING), "every message is acknowledged")
    stopping.set()
    thread.join()
    return order


def test_messages_of_several_stations_are_acknowledged_as_they_came(free_port: Callable[[], int]) -> None:
    together: list[Sequence[Sent]] = []

    def apply(messages: Sequence[Sent], _now: datetime) -> Mapping[Name, Applied]:
        together.append(messages)
        return {}

    assert acknowledged(free_port, apply) == [0, 1, 2, 3, 4]
    assert [len(messages) for messages in together] == [5]


def test_a_message_that_breaks_the_code_is_acknowledged_in_its_turn_and_the_others_are_applied(
    free_port: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    applied: list[bytes] = []

    def broken(messages: Sequence[Sent], _now: datetime) -> Mapping[Name, Applied]:
        if any(sent.payload == b"2" for sent in messages):
            raise ZeroDivisionError("a defect")
        applied.extend(sent.payload for sent in messages)
        return {}

    assert acknowledged(free_port, broken) == [0, 1, 2, 3, 4]
    assert sorted(applied) == [b"0", b"1", b"3", b"4"]
    assert len(caplog.records) == 1


def test_a_stop_in_the_middle_leaves_the_rest_with_the_broker(free_port: Callable[[], int]) -> None:
    stopping = threading.Event()

    def apply(messages: Sequence[Sent], _now: datetime) -> Mapping[Name, Applied]:
        if len(messages) > 1:
            raise ZeroDivisionError("a defect")
        if messages[0].payload == b"2":
            stopping.set()
            raise OperationalError("database is locked")
        return {}

    link, order = arriving(free_port)
    Worker(link, read_signing_key(PREPARED / "state"), stopping, apply).run()
    assert order == [0, 1]
