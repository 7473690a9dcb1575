"""The ledger's own clock: waits are measured by running time, and a calendar that jumps is doubted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.intake import periodic, worker
from cloud_sync.ledger.intake.apply import apply_messages
from cloud_sync.ledger.intake.receipts import receipts_for
from cloud_sync.ledger.intake.worker import Worker
from cloud_sync.ledger.keys import read_signing_key
from cloud_sync.ledger.points.clock import (
    count_running,
    look_at_clock,
)
from cloud_sync.ledger.points.models import ChainHead, VisitSettlement
from cloud_sync.ledger.settling.doubt import FURTHEST_AHEAD, FURTHEST_BACK, doubt_of
from cloud_sync.ledger.stations.alarms import LEDGER, Cause
from cloud_sync.ledger.stations.models import Alarm, Epoch
from cloud_sync.ledger.stations.registry import summaries
from cloud_sync.transport.mailbox import Message
from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.wire import topics
from cloud_sync.wire.facts import Stamp
from config.station import CloudSection
from tests.engines import BOTH
from tests.ledger.conftest import PREPARED
from tests.ledger.town import NOW, RIGHT, Town, card, event, stamp, visit_facts

UNSURE = Stamp(0.0, trusted=False, boot="boot", monotonic_s=1.0)
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)


@pytest.mark.parametrize(
    ("heard", "transfer", "doubted"),
    [
        (None, None, False),  # an empty ledger
        (NOW - FURTHEST_AHEAD, None, False),  # a quiet day
        (NOW - FURTHEST_AHEAD - SECOND, None, True),
        (NOW + FURTHEST_BACK, None, False),
        (NOW + FURTHEST_BACK + SECOND, None, True),
        (None, NOW - 100 * DAY, True),
        (None, NOW, False),
        (NOW - 100 * DAY, NOW, True),  # a transfer dated by the same clock proves nothing
        (NOW, NOW + 100 * DAY, False),  # it was ahead once, and stations agree with it again
    ],
)
def test_the_clock_is_judged_by_the_stations_times(
    heard: datetime | None, transfer: datetime | None, *, doubted: bool
) -> None:
    assert (doubt_of(NOW, heard, transfer) is not None) is doubted


class Calendar:
    """The machine's calendar and running time, as the worker reads them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at, self.ran_s = NOW, 1000.0
        calendar = self

        class Clock:
            @staticmethod
            def now(_zone: object) -> datetime:
                return calendar.at

        class Seconds:
            @staticmethod
            def time() -> float:
                return calendar.at.timestamp()

            @staticmethod
            def monotonic() -> float:
                return calendar.ran_s

        monkeypatch.setattr(worker, "datetime", Clock)
        monkeypatch.setattr(worker, "time", Seconds)

    def pass_by(self, how_long: timedelta) -> None:
        self.at += how_long
        self.ran_s += how_long.total_seconds()


class Connected(MqttLink):
    """A link that is connected and accepts every publication."""

    connected = True

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> int | None:
        return len(topic) + len(payload) + retain + qos


class TestOverBothDatabases:
    pytestmark = BOTH

    @pytest.fixture
    def calendar(self, monkeypatch: pytest.MonkeyPatch) -> Calendar:
        return Calendar(monkeypatch)

    @pytest.fixture
    def worker(self, town: Town, calendar: Calendar, free_port: Callable[[], int]) -> Worker:
        assert calendar.at == NOW
        link = Connected(CloudSection(port=free_port()), "worker", [])
        key = read_signing_key(PREPARED / "state")
        made = Worker(link, key, threading.Event(), apply_messages, lambda: [town.community])
        made._know_communities(0)  # noqa: SLF001 (as a round begins)
        return made

    def day(self, town: Town, calendar: Calendar, worker: Worker, number: int) -> None:
        """Let a day pass on which an unbound card is tapped and the worker does its periodic work."""
        visit = visit_facts(200 + number, RIGHT, provisional=2)
        town.deliver(event(number, visit, at=stamp(calendar.at), epoch="d" * 16), now=calendar.at)
        worker._do_periodic()  # noqa: SLF001 (a round would wait for messages)
        calendar.pass_by(DAY)

    def test_a_clock_a_hundred_days_ahead_ends_no_wait_raises_an_alarm_and_logs_one_line(
        self, town: Town, calendar: Calendar, worker: Worker, caplog: pytest.LogCaptureFixture
    ) -> None:
        town.deliver(event(1, visit_facts(8, RIGHT, provisional=2)))
        calendar.at += 100 * DAY
        with caplog.at_level(logging.INFO):
            for _ in range(3):
                worker._do_periodic()  # noqa: SLF001
                calendar.ran_s += 700
        assert town.suspense == 2
        assert sum("the ledger's clock says" in line for line in caplog.messages) == 1
        alarm = Alarm.objects.get()
        assert (alarm.station, alarm.reason) == (LEDGER, Cause.CLOCK)
        assert verify().ok, verify().problems

    def test_a_clock_set_while_the_worker_runs_is_judged_at_once(
        self, town: Town, calendar: Calendar, worker: Worker
    ) -> None:
        town.deliver(event(1, visit_facts(8, RIGHT, provisional=2)))
        worker._do_periodic()  # noqa: SLF001
        assert not Alarm.objects.exists()
        calendar.at += 100 * DAY
        worker._do_periodic()  # noqa: SLF001
        assert Alarm.objects.get().reason == Cause.CLOCK

    def test_a_wait_ends_after_ninety_days_of_running(
        self, town: Town, calendar: Calendar, worker: Worker
    ) -> None:
        town.deliver(event(1, visit_facts(8, RIGHT, provisional=2), epoch="e" * 16))
        for number in range(1, 91):
            self.day(town, calendar, worker, number)
        assert not VisitSettlement.objects.filter(withdrawn__gt=0).exists()
        self.day(town, calendar, worker, 91)
        assert VisitSettlement.objects.get(card_hash=card(8)).withdrawn == 2
        assert not Alarm.objects.exists()

    def test_a_ledger_that_was_off_for_a_week_doubts_its_clock_until_a_station_agrees(
        self, town: Town, calendar: Calendar, worker: Worker
    ) -> None:
        self.day(town, calendar, worker, 1)
        calendar.at += 7 * DAY
        worker._do_periodic()  # noqa: SLF001
        assert Alarm.objects.filter(closed_at=None).get().reason == Cause.CLOCK
        calendar.pass_by(HOUR)
        self.day(town, calendar, worker, 2)
        assert Alarm.objects.get().closed_by == "the ledger"

    def test_the_alarm_of_a_clock_that_was_ahead_stays_for_a_person(
        self, town: Town, calendar: Calendar, worker: Worker
    ) -> None:
        self.day(town, calendar, worker, 1)
        calendar.at += 100 * DAY
        worker._do_periodic()  # noqa: SLF001
        calendar.at -= 100 * DAY
        calendar.pass_by(HOUR)
        self.day(town, calendar, worker, 2)
        assert Alarm.objects.get().closed_at is None

    def test_visits_that_a_wrong_clock_cannot_date_are_held_and_given_once_the_clock_is_set(
        self, town: Town, calendar: Calendar, worker: Worker
    ) -> None:
        home = add_household(town.community, "3-2-501", "", NOW)
        bind_card(home, card(1), NOW)
        self.day(town, calendar, worker, 1)
        right = calendar.at
        calendar.at -= 100 * DAY  # no periodic work runs before the message
        self.send(town, worker, event(1, visit_facts(1, RIGHT, provisional=2), at=UNSURE, epoch="e" * 16))
        assert (town.balance(home), town.suspense) == (0, 4)
        calendar.at = right + HOUR
        self.send(town, worker, event(2, visit_facts(1, RIGHT, provisional=2), at=stamp(right + HOUR)))
        worker.turn()
        assert (town.balance(home), town.suspense) == (4, 2)

    def test_a_ledger_that_was_off_dates_waiting_visits_as_soon_as_a_station_agrees(
        self, town: Town, calendar: Calendar, worker: Worker
    ) -> None:
        home = add_household(town.community, "3-2-501", "", NOW)
        bind_card(home, card(1), NOW)
        self.day(town, calendar, worker, 1)
        calendar.at += 7 * DAY
        visit = visit_facts(1, RIGHT, provisional=2)
        self.send(town, worker, event(1, visit, at=stamp(calendar.at - 3 * DAY), epoch="e" * 16))
        assert town.balance(home) == 0
        self.send(town, worker, event(2, visit, at=stamp(calendar.at), epoch="e" * 16))
        worker.turn()
        assert town.balance(home) == 4

    def send(self, town: Town, worker: Worker, body: bytes) -> None:
        """Give the worker one message as the broker does, and let it take a turn."""
        message = Message(
            topics.events("sunny-garden", "east-gate"),
            town.seal(body),
            retained=False,
            _acknowledge=lambda: None,
        )
        worker._link.messages.put(message)  # noqa: SLF001
        worker.turn()

    def test_a_time_heard_in_the_future_is_set_to_now(
        self, town: Town, calendar: Calendar, worker: Worker
    ) -> None:
        town.deliver(event(1, visit_facts(8, RIGHT, provisional=2)), now=NOW + 100 * DAY)
        (listed,) = summaries(town.community)
        assert listed.heard == NOW + 100 * DAY
        worker._do_periodic()  # noqa: SLF001
        (listed,) = summaries(town.community)
        assert listed.heard == calendar.at

    def test_receipts_under_a_doubted_clock_name_journals_of_any_age(self, town: Town) -> None:
        town.deliver(event(1, visit_facts(8, RIGHT, provisional=2)))
        station = town.community.stations.select_related("community").get()
        late = NOW + 100 * DAY
        assert receipts_for([station], {}, late)[station.pk].epochs == ()
        assert len(receipts_for([station], {}, None)[station.pk].epochs) == 1
        ((receipt,),) = periodic.standing_receipts(town.community, None)
        assert len(receipt.epochs) == 1

    def test_running_time_counts_no_faster_than_either_clock(self, town: Town) -> None:
        def counted() -> int:
            return ChainHead.objects.get(community=town.community).ran_s

        assert count_running(town.community, 600, NOW) == 600
        assert count_running(town.community, 600, NOW + 100 * DAY) == 600
        assert count_running(town.community, 600, NOW) == 0
        assert (
            count_running(town.community, 600, NOW + 300 * SECOND) == 300
        )  # another worker has counted the rest
        assert counted() == 1500

    def test_the_doubt_names_both_times(self, town: Town) -> None:
        town.deliver(event(1, visit_facts(8, RIGHT, provisional=2)))
        assert look_at_clock(town.community, NOW + HOUR) is None
        told = str(look_at_clock(town.community, NOW - 2 * HOUR))
        assert "2 hours behind the newest event (2026-11-20 04:00)" in told
        assert Epoch.objects.get().last_at == NOW
