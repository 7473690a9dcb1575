"""What waited of many stations is applied in one transaction, and ends as if each message came alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.intake.apply import Applied, Name, apply_messages
from cloud_sync.ledger.intake.parse import Sent
from cloud_sync.ledger.intake.receipts import receipts_for
from cloud_sync.ledger.intake.worker import Worker
from cloud_sync.ledger.keys import read_signing_key
from cloud_sync.ledger.points.corrections import correct
from cloud_sync.ledger.points.models import Account, Debt, Minted, Transfer, VisitSettlement
from cloud_sync.ledger.settling.rules import add_rules
from cloud_sync.ledger.stations.alarms import Cause
from cloud_sync.ledger.stations.models import Alarm, Community, Conflict, Epoch, Event, Station, Stray
from cloud_sync.transport.mailbox import Message
from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.wire import topics
from cloud_sync.wire.facts import AlarmFacts
from config.station import CloudSection
from tests.engines import BOTH, ON_POSTGRES
from tests.ledger.conftest import PREPARED
from tests.ledger.town import (
    HAZARDOUS,
    NOW,
    RIGHT,
    UNSEEN,
    WRONG,
    Town,
    card,
    epoch_of,
    event,
    rules,
    stamp,
    visit_facts,
)
from tests.waiting import WITHIN_S

COMMUNITY = "sunny-garden"
STATIONS = ("east-gate", "north-gate", "west-gate")
LIMITED = "north-gate"
BOUND, OWING, UNKNOWN = 1, 2, 3
TIGHT = 2
"""A version of the rules whose caps everybody reaches."""


def sent(town: Town, station: str, *bodies: bytes) -> Sent:
    return Sent(town.seal(*bodies, station=station), COMMUNITY, station)


@st.composite
def bodies(draw: st.DrawFn, station: str) -> bytes:
    """One event; identities are few, so that some come again with other content."""
    epoch, sequence = (
        draw(st.sampled_from([epoch_of(station), epoch_of(f"{station} 2")])),
        draw(st.integers(1, 5)),
    )
    kind = draw(st.sampled_from(["visit"] * 8 + ["alarm", "malformed", "stray", "unknown rules"]))
    if kind == "stray":
        return b'{"noise":%d}' % sequence
    if kind == "malformed":
        return b'{"epoch":"%s","sequence":%d,"facts":{}}' % (epoch.encode(), sequence)
    if kind == "alarm":
        return event(sequence, AlarmFacts("lid_stuck", "kitchen", raised=True), epoch=epoch)
    deposits = draw(st.lists(st.sampled_from([RIGHT, HAZARDOUS, WRONG, UNSEEN]), max_size=3))
    days = draw(st.sampled_from([0, 0, 1, 40]))
    facts = visit_facts(
        draw(st.sampled_from([BOUND, OWING, UNKNOWN])),
        *deposits,
        provisional=5 * len(deposits),
        rules=99 if kind == "unknown rules" else TIGHT,
    )
    return event(sequence, facts, epoch=epoch, at=stamp(NOW - timedelta(days=days)))


@st.composite
def messages(draw: st.DrawFn) -> list[tuple[str, list[bytes] | None]]:
    """What arrives, by station; None is noise."""
    stations = draw(st.lists(st.sampled_from([*STATIONS, *STATIONS, "nowhere"]), min_size=2, max_size=9))
    return [
        (station, draw(st.one_of(st.none(), *[st.lists(bodies(station), max_size=4)] * 4)))
        for station in stations
    ]


def fresh_town(new_database: Callable[[], str]) -> Town:
    """Two households, of which one owes something, and a station with a small limit."""
    new_database()
    town = Town(Community.objects.get())
    add_rules(town.community, rules(TIGHT, points=9, deposits=4, right=5))
    for number in (BOUND, OWING):
        bind_card(add_household(town.community, f"1-1-10{number}"), card(number), NOW)
    town.deliver(event(1, visit_facts(OWING, HAZARDOUS, provisional=5), epoch="0" * 16))
    Account.objects.filter(kind="household").update(balance=0)
    Account.objects.filter(kind="issuing").update(balance=0)  # it was spent
    correct(Transfer.objects.get(), "officer Li", "a mistake", NOW)
    for station in STATIONS:
        town.station(station)
    town.limit(9, LIMITED)
    return town


def state(town: Town) -> dict[str, object]:
    """Everything that is stored, but for keys that only count rows."""
    name = ("event__station__slug", "event__epoch", "event__sequence")
    settled = ("local_day", "happened_at", "settled", "held", "lowered", "lowered_by", "held_by", "counted")
    stored = ("station__slug", "epoch", "sequence", "digest")
    transfers = ("position", "purpose", "points", "debit", "credit", "household", "chain")
    # These are raised once a transaction, and so count otherwise.
    once = [Cause.MINT_LIMIT, Cause.BACKDATED]
    of_all = Alarm.objects.exclude(reason=Cause.TWO_AT_ONCE)
    causes = of_all.exclude(reason__in=once).values_list("station", "reason", "times")
    limits = of_all.filter(reason__in=once).values_list("station", "reason")
    stations = Station.objects.select_related("community")
    return {
        "events": sorted(Event.objects.values_list(*stored, "state", "reason")),
        "settlements": sorted(VisitSettlement.objects.values_list(*name, *settled, "card_hash", "timed")),
        "transfers": list(Transfer.objects.order_by("position").values_list(*name, *transfers)),
        "balances": town.balances,
        "debts": list(Debt.objects.values_list("left", "points")),
        "minted": sorted(Minted.objects.values_list("station__slug", "day", "points")),
        "through": sorted(Epoch.objects.values_list("station__slug", "epoch", "through")),
        "conflicts": sorted(Conflict.objects.values_list(*stored)),
        "strays": sorted(Stray.objects.values_list("station__slug", "digest")),
        "alarms": (sorted(causes), sorted(limits)),
        "receipts": {one.station: one for one in receipts_for(list(stations), {}, NOW).values()},
    }


class TestOnBoth:
    pytestmark = BOTH

    @settings(
        max_examples=max(5, settings().max_examples // 15),
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking would take minutes
    )
    @given(st.data())
    def test_messages_of_several_stations_end_as_they_do_one_by_one(
        self, new_database: Callable[[], str], data: st.DataObject
    ) -> None:
        arriving = data.draw(messages())
        cuts = sorted(data.draw(st.lists(st.integers(0, len(arriving)), max_size=2)))
        ends: list[dict[str, object]] = []
        for groups in ([[one] for one in arriving], _cut(arriving, cuts)):
            town = fresh_town(new_database)
            for group in groups:
                apply_messages([_message(town, *one) for one in group], NOW)
            ends.append(state(town))
        one_by_one, together = ends
        for what, found in together.items():
            assert found == one_by_one[what], what

    def test_each_station_gets_its_own_receipt_and_count(self, town: Town) -> None:
        visits = [event(number, visit_facts(UNKNOWN, RIGHT, provisional=2)) for number in (1, 2, 3)]
        west = event(2, visit_facts(UNKNOWN, RIGHT, provisional=2), epoch=epoch_of("west-gate"))
        came = [
            sent(town, "east-gate", visits[0]),
            sent(town, "west-gate", west),
            Sent(b"noise", COMMUNITY, "north-gate"),
            sent(town, "east-gate", visits[0], visits[1]),
        ]
        applied = apply_messages(came, NOW)
        assert {name: (one.new, one.known) for name, one in applied.items()} == {
            (COMMUNITY, "east-gate"): (2, 1),
            (COMMUNITY, "west-gate"): (1, 0),
        }
        through = {name[1]: one.receipt.epochs[0].through for name, one in applied.items()}
        assert through == {"east-gate": 2, "west-gate": 0}

    def test_a_daily_cap_holds_across_stations_that_are_settled_together(self, town: Town) -> None:
        full = visit_facts(UNKNOWN, *[HAZARDOUS] * 5, provisional=25)
        apply_messages(
            [sent(town, station, event(1, full, epoch=epoch_of(station))) for station in STATIONS], NOW
        )
        rows = VisitSettlement.objects.order_by("event_id").values_list("event__station__slug", "held")
        assert list(rows) == [("east-gate", 25), ("north-gate", 5), ("west-gate", 0)]

    def test_a_boot_of_another_station_mends_no_time(self, town: Town) -> None:
        visit = visit_facts(UNKNOWN, RIGHT, provisional=2)
        apply_messages(
            [
                sent(town, "east-gate", event(1, visit, at=stamp(NOW - timedelta(days=1)))),
                sent(
                    town,
                    "west-gate",
                    event(1, visit, at=stamp(trusted=False), epoch=epoch_of("west-gate")),
                ),
            ],
            NOW,
        )
        timed = VisitSettlement.objects.values_list("event__station__slug", "timed")
        assert dict(timed) == {"east-gate": "stated", "west-gate": "bounded"}

    def test_a_message_that_breaks_the_code_costs_the_others_nothing(
        self, town: Town, free_port: Callable[[], int], caplog: pytest.LogCaptureFixture
    ) -> None:
        visit = visit_facts(UNKNOWN, RIGHT, provisional=2)
        came = [
            sent(town, station, event(number, visit, epoch=epoch_of(station)))
            for number in (1, 2, 3)
            for station in STATIONS
        ]
        poison = came[4].payload

        def apply(messages: Sequence[Sent], now: datetime) -> Mapping[Name, Applied]:
            with transaction.atomic():
                applied = apply_messages(messages, now)
                if any(one.payload == poison for one in messages):
                    raise ZeroDivisionError("a defect")
            return applied

        link = MqttLink(CloudSection(port=free_port()), "worker", [])
        stopping, acknowledged = threading.Event(), []
        for number, one in enumerate(came):
            topic = topics.events(one.community, one.station)

            def note(number: int = number) -> None:
                acknowledged.append(number)
                if number == len(came) - 1:
                    stopping.set()

            link.messages.put(Message(topic, one.payload, retained=False, _acknowledge=note))
        Worker(link, read_signing_key(PREPARED / "state"), stopping, apply).run()
        assert acknowledged == list(range(len(came)))
        through = dict(Epoch.objects.values_list("station__slug", "through"))
        assert through == {"east-gate": 3, "north-gate": 1, "west-gate": 3}
        assert Event.objects.count() == len(came) - 1
        assert "a defect" in caplog.text


class TestOnPostgres:
    pytestmark = ON_POSTGRES

    def test_two_workers_whose_stations_cross_end_without_a_deadlock_and_with_right_sums(
        self, town: Town
    ) -> None:
        stations = [f"gate-{number}" for number in range(6)]
        visits = [visit_facts(number, RIGHT, provisional=2) for number in range(1, 13)]
        came = [
            sent(
                town,
                station,
                event(number, visit, epoch=epoch_of(station)),
            )
            for number, visit in enumerate(visits, 1)
            for station in stations
        ]
        failures: list[BaseException] = []
        meet = threading.Barrier(2)

        def work(order: Sequence[Sent]) -> None:
            try:
                for start in range(0, len(order), 9):
                    meet.wait(timeout=WITHIN_S)
                    apply_messages(order[start : start + 9], NOW)
            except BaseException as error:  # noqa: BLE001 (told to the test, in the other thread)
                failures.append(error)
                meet.abort()
            finally:
                connection.close()

        connection.close()
        workers = [threading.Thread(target=work, args=(order,)) for order in (came, came[::-1])]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert failures == []
        assert verify().ok, verify().problems
        assert VisitSettlement.objects.count() == len(came)
        assert town.suspense == 2 * len(came)
        assert set(Epoch.objects.values_list("through", flat=True)) == {12}
        assert not Alarm.objects.exists()


def _cut(
    arriving: list[tuple[str, list[bytes] | None]], cuts: Sequence[int]
) -> list[list[tuple[str, list[bytes] | None]]]:
    ends = [0, *cuts, len(arriving)]
    return [arriving[start:end] for start, end in pairwise(ends)]


def _message(town: Town, station: str, held: list[bytes] | None) -> Sent:
    if held is None:
        return Sent(b"noise", COMMUNITY, station)
    if station == "nowhere":
        return Sent(town.seal(*held), COMMUNITY, station)
    return sent(town, station, *held)
