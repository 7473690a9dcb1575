"""A worker applies what waited together station by station, and yet acknowledges in the order of arrival."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime

import pytest

from cloud_sync import topics
from cloud_sync.ledger.batches import Applied
from cloud_sync.ledger.ingest import Worker
from cloud_sync.ledger.keys import read_signing_key
from cloud_sync.mqtt import Message, MqttLink
from config.station import CloudSection
from tests.ledger.conftest import PREPARED
from tests.waiting import until

EAST, WEST = (topics.events("sunny-garden", station) for station in ("east-gate", "west-gate"))
ARRIVING = (EAST, WEST, EAST, EAST, WEST)


def acknowledged(
    free_port: Callable[[], int], apply: Callable[[Sequence[bytes], str, str, datetime], Applied | None]
) -> list[int]:
    """The order in which a worker acknowledges what arrives."""
    link = MqttLink(CloudSection(port=free_port()), "worker", [])
    order: list[int] = []
    for number, topic in enumerate(ARRIVING):
        link.messages.put(Message(topic, b"noise", False, lambda number=number: order.append(number)))  # type: ignore[misc]  # noqa: FBT003
    stopping = threading.Event()
    worker = Worker(link, read_signing_key(PREPARED / "state"), stopping, apply)
    thread = threading.Thread(target=worker.run)
    thread.start()
    until(lambda: len(order) == len(ARRIVING), "every message is acknowledged")
    stopping.set()
    thread.join()
    return order


def test_messages_of_several_stations_are_acknowledged_as_they_came(free_port: Callable[[], int]) -> None:
    assert acknowledged(free_port, lambda *_: None) == [0, 1, 2, 3, 4]


def test_a_message_that_breaks_the_code_is_acknowledged_in_its_turn(
    free_port: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_messages: Sequence[bytes], _community: str, station: str, _now: datetime) -> None:
        if station == "west-gate":
            raise ZeroDivisionError("a defect")

    assert acknowledged(free_port, broken) == [0, 1, 2, 3, 4]
    assert "a defect" in caplog.text
