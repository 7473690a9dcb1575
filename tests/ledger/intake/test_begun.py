"""How many epochs a station begins in a day is counted in the database: for all workers, over restarts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.intake import begun
from cloud_sync.ledger.intake.apply import apply_messages
from cloud_sync.ledger.intake.parse import Sent
from cloud_sync.ledger.stations.alarms import Cause
from cloud_sync.ledger.stations.models import Alarm, Epoch, Event, Station, Stray
from cloud_sync.wire import envelope
from cloud_sync.wire.envelope import MAX_BATCH_EPOCHS, Lost
from tests.engines import BOTH
from tests.ledger.intake.test_turns import Gate
from tests.ledger.town import NOW, RIGHT, Town, event, stamp, visit_facts

pytestmark = BOTH
DAY = timedelta(days=1)
A_RESTART = timedelta(minutes=1)


def restarts(*numbers: int, sequence: int = 1) -> list[bytes]:
    """A visit each of so many openings of a journal."""
    return [
        event(
            sequence,
            visit_facts(1, RIGHT, provisional=2),
            epoch=f"{number:016x}",
            at=stamp(NOW + number * A_RESTART),
        )
        for number in numbers
    ]


def sent(town: Town, *events: bytes, station: str = "east-gate") -> Sent:
    return Sent(town.seal(*events, station=station), town.community.slug, station)


@pytest.fixture
def most(monkeypatch: pytest.MonkeyPatch) -> int:
    """A bound that a test reaches sooner."""
    monkeypatch.setattr(begun, "MOST", 40)
    return 40


def test_two_workers_and_one_that_starts_again_let_one_station_begin_no_more_than_one_worker_does(
    town: Town, free_port: Callable[[], int], most: int
) -> None:
    town.station("east-gate")
    workers = [Gate(free_port, apply_messages) for _ in range(2)]
    for number in range(0, 3 * most, 8):
        if number == most:  # it starts again, and knows nothing
            workers[0] = Gate(free_port, apply_messages)
        payload = town.seal(*restarts(*range(number, number + 8)))
        for gate in workers:
            gate.arrive(number, payload)
            gate.worker.turn()
    assert Epoch.objects.count() == Event.objects.count() == most
    assert {alarm.reason for alarm in Alarm.objects.all()} == {Cause.TOO_MUCH}
    assert verify().ok, verify().problems


def test_on_the_next_day_it_may_begin_others(town: Town, most: int) -> None:
    for number in range(0, most, MAX_BATCH_EPOCHS // 2):
        town.deliver(*restarts(*range(number, number + MAX_BATCH_EPOCHS // 2)))
    late = restarts(most)
    assert (town.deliver(*late).left_out, town.deliver(*late, now=NOW + DAY).left_out) == (1, 0)
    assert (Station.objects.get().begun, Epoch.objects.count()) == (1, most + 1)


def test_what_begins_nothing_is_taken_and_so_is_what_others_begin(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(begun, "MOST", 2)
    town.deliver(*restarts(1, 2))
    message = envelope.seal_batch(
        town.station("east-gate"),
        town.community.slug,
        "east-gate",
        restarts(2, sequence=5),
        (Lost(f"{2:016x}", 2, 4),),
    )
    applied = apply_messages(
        [
            sent(town, *restarts(3), b'{"no": "event"}'),
            Sent(message, town.community.slug, "east-gate"),
            sent(town, *restarts(7, 8), b'{"nor": "this"}', station="west-gate"),
        ],
        NOW,
    )
    mine, theirs = (applied[town.community.slug, slug] for slug in ("east-gate", "west-gate"))
    assert (mine.new, mine.left_out, theirs.new, theirs.left_out) == (1, 1, 2, 0)
    assert [(one.epoch, one.through) for one in mine.receipt.epochs] == [(f"{2:016x}", 5), (f"{1:016x}", 1)]
    assert [bytes(stray.body) for stray in Stray.objects.all()] == [b'{"nor": "this"}']
    assert verify().ok, verify().problems


def test_one_message_may_not_begin_more_than_is_left_and_is_taken_whole_or_not_at_all(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(begun, "MOST", 2)
    applied = town.deliver(*restarts(1, 2, 3))
    assert (applied.new, applied.left_out, applied.receipt.epochs) == (0, 1, ())
    assert (town.deliver(*restarts(1, 2)).new, Event.objects.count()) == (2, 2)
    # What was begun by the same message before counts once, whoever brings it.
    together = apply_messages([sent(town, *restarts(1, 2, sequence=2)), sent(town, *restarts(1))], NOW)
    assert together[town.community.slug, "east-gate"].left_out == 0
