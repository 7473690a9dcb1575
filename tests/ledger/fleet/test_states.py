"""What stations say of themselves becomes one row each."""

from __future__ import annotations

import random
from datetime import timedelta

import msgspec
import pytest
from django.db import connection

from cloud_sync.ledger.fleet.models import Reading, StationStatus
from cloud_sync.ledger.fleet.order import FORGOTTEN_S
from cloud_sync.ledger.fleet.states import AT_ONCE, FLUSH_S
from cloud_sync.ledger.fleet.status import MISSED, Condition, standing_of, standings
from cloud_sync.ledger.stations.models import Alarm
from cloud_sync.ledger.stations.registry import retire_station
from cloud_sync.transport.mailbox import Message
from cloud_sync.wire.station_state import MAX_STATE_BYTES, BinState, StationState
from config.errors import InputError
from tests.engines import BOTH
from tests.ledger.fleet.saying import Saying
from tests.ledger.town import NOW, Town

pytestmark = BOTH
START = 1_800_000_000


def online(sequence: int = 1, connection: int = 1, start: int = START, **more: object) -> StationState:
    stated = StationState(online=True, start=start, connection=connection, sequence=sequence)
    return msgspec.structs.replace(stated, **more)


def offline(connection: int = 1, start: int = START) -> StationState:
    return StationState(online=False, start=start, connection=connection)


@pytest.fixture
def saying(town: Town) -> Saying:
    town.station("gate")
    return Saying(town.community.slug)


def condition(saying: Saying, town: Town) -> Condition:
    return standing_of(town.community, "gate", saying.at).condition


def test_a_station_is_unheard_then_online_then_offline_with_last_words(saying: Saying, town: Town) -> None:
    assert condition(saying, town) is Condition.NEVER
    saying.say("gate", online(outbox=17, bins=(BinState("kitchen", full=True),), model="waste-0.4"))
    assert condition(saying, town) is Condition.ONLINE
    heard = saying.at - timedelta(seconds=FLUSH_S)
    saying.later(45)
    saying.say("gate", offline())
    one = standing_of(town.community, "gate", saying.at)
    assert (one.condition, one.heard_at) == (Condition.OFFLINE, heard)
    assert (one.words.outbox, one.words.model, one.words.bins[0].full) == (17, "waste-0.4", True)


def test_a_station_whose_will_never_comes_is_offline_once_its_messages_are_missing(
    saying: Saying, town: Town
) -> None:
    saying.say("gate", online())
    saying.later(MISSED.total_seconds() - 2)
    assert condition(saying, town) is Condition.ONLINE
    saying.later(2)
    assert condition(saying, town) is Condition.OFFLINE


@pytest.mark.parametrize("workers", [1, 2])
def test_ten_thousand_flips_at_one_moment_end_in_the_true_state_however_they_arrive(
    saying: Saying, workers: int
) -> None:
    flips = [
        message
        for connection in range(1, 5001)
        for message in (online(connection, connection), offline(connection))
    ]
    both = [saying, Saying(saying.community)][:workers]
    for seed, ends_online in ((1, True), (2, False)):
        said = [*flips, online(5001, 5001)] if ends_online else flips
        StationStatus.objects.all().delete()
        for number, worker in enumerate(both):
            shuffled = random.Random(seed * 10 + number).sample(said, len(said))
            for first in range(0, len(shuffled), AT_ONCE):
                for message in shuffled[first : first + AT_ONCE]:
                    worker.bring("gate", message)
                worker.write()
        row = StationStatus.objects.get()
        assert row.online is ends_online
        assert row.connection == (5001 if ends_online else 5000)


def test_a_will_that_arrives_after_the_next_connections_words_changes_nothing(
    saying: Saying, town: Town
) -> None:
    saying.say("gate", online(1, 1))
    saying.say("gate", online(2, 2))
    saying.say("gate", offline(1))
    assert condition(saying, town) is Condition.ONLINE


def test_an_older_memory_card_counts_again_after_the_newer_one_was_silent(saying: Saying, town: Town) -> None:
    saying.say("gate", online())
    saying.say("gate", offline())
    saying.say("gate", online(start=START - 100))
    assert condition(saying, town) is Condition.OFFLINE
    saying.later(FORGOTTEN_S)
    saying.say("gate", online(start=START - 100))
    assert condition(saying, town) is Condition.ONLINE


def test_a_station_of_an_older_version_is_understood(saying: Saying, town: Town) -> None:
    saying.say("gate", b'{"online":true,"outbox":3}')
    assert condition(saying, town) is Condition.ONLINE
    saying.say("gate", b'{"online":false}')
    assert condition(saying, town) is Condition.OFFLINE
    saying.bring("gate", b'{"online":false}')
    saying.say("gate", b'{"online":true}')
    assert condition(saying, town) is Condition.ONLINE


def test_the_brokers_copy_is_not_taken_for_a_live_word(saying: Saying, town: Town) -> None:
    saying.say("gate", online(wall_s=0.0), retained=True)
    one = standing_of(town.community, "gate", saying.at)
    assert (one.condition, one.heard_at, one.skew_s) == (Condition.OFFLINE, None, None)
    assert not Reading.objects.exists()
    saying.say("gate", online(2))
    assert condition(saying, town) is Condition.ONLINE


def test_the_clocks_difference_is_what_the_ledger_computes(saying: Saying, town: Town) -> None:
    saying.say("gate", online(wall_s=NOW.timestamp() - 3600))
    assert standing_of(town.community, "gate", saying.at).skew_s == -3600.0


def test_messages_wait_and_are_written_together(saying: Saying, town: Town) -> None:
    saying.say("gate", online())
    for sequence in range(2, 40):
        saying.bring("gate", online(sequence))
        saying.states.turn()
    saying.write(FLUSH_S / 2)
    assert StationStatus.objects.get().sequence == 2
    saying.write()
    assert StationStatus.objects.get().sequence == 39
    assert len(standings([town.community], saying.at)) == 1


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b'{"online":1}',
        b'{"online":true,"start":-1}',
        b'{"online":true,"model":"\\u0000"}',
        b'{"online":true,"model":"\xe6\xa8\xa1"}',
        b'{"online":true,"versions":{"a\\nb":"1"}}',
        b'{"online":true,"bins":[{"id":"\\u001b","full":true}]}',
        b'{"online":true,"padding":"' + b"x" * MAX_STATE_BYTES + b'"}',
    ],
    ids=range(11),
)
def test_what_cannot_be_read_is_one_alarm_that_counts(saying: Saying, payload: bytes) -> None:
    saying.say("gate", online())
    for _ in range(5):
        saying.say("gate", payload)
    saying.tell()
    (alarm,) = Alarm.objects.all()
    assert (alarm.station, alarm.reason, alarm.times) == ("gate", "state", 5)
    saying.say("gate", payload)
    saying.tell()
    (alarm,) = Alarm.objects.all()
    assert alarm.times == 6
    assert StationStatus.objects.get().sequence == 1


def test_unknown_and_retired_stations_get_no_row_and_their_alarm(saying: Saying, town: Town) -> None:
    retire_station(town.community, "gate", NOW)
    saying.bring("gate", online())
    saying.bring("nobody", online())
    saying.tell()
    assert not StationStatus.objects.exists()
    found = set(Alarm.objects.values_list("station", "reason"))
    assert found == {("gate", "retired_station"), ("nobody", "unknown_station")}
    with pytest.raises(InputError, match="no station 'gate'"):
        standing_of(town.community, "gate", saying.at)


def test_a_topic_that_names_no_station_is_left_unread(saying: Saying) -> None:
    saying.box.put(Message("tz/1/state", b"{}", retained=False, _acknowledge=lambda: None))
    saying.tell()
    assert not Alarm.objects.exists()


def test_what_could_not_be_written_is_written_by_a_later_turn(saying: Saying, town: Town) -> None:
    saying.bring("gate", online())
    table = StationStatus._meta.db_table  # noqa: SLF001 (Django's documented name)
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO away")
    with pytest.raises(Exception, match=table):
        saying.write()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE away RENAME TO {table}")
    saying.write()
    assert condition(saying, town) is Condition.ONLINE
