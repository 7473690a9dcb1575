"""Alarms of stations: who raised clears, people acknowledge and close, an older fact overrides nothing."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cloud_sync.ledger.fleet.alarms import MOST, OTHERS, note_alarms
from cloud_sync.ledger.fleet.decisions import (
    LONGEST,
    acknowledge,
    begin_maintenance,
    close,
    end_maintenance,
    read_until,
)
from cloud_sync.ledger.fleet.models import AlarmChange, StationAlarm
from cloud_sync.ledger.fleet.waiting import FLOOD, LOOK_BACK, Group, flooding, open_groups
from cloud_sync.ledger.stations.models import Station
from cloud_sync.wire.facts import AlarmFacts, Event, Stamp
from config.errors import InputError
from tests.engines import BOTH
from tests.ledger.town import NOW, Town, event

pytestmark = BOTH
HOUR = timedelta(hours=1)
FIRST, SECOND = "00000000000000aa", "00000000000000ab"
WHY = ("li", "a part is ordered")


def stamp(minute: float, *, boot: str = "boot", trusted: bool = True) -> Stamp:
    return Stamp((NOW + timedelta(minutes=minute)).timestamp(), trusted, boot, minute * 60 + 10_000)


def fact(
    sequence: int,
    *,
    raised: bool = True,
    fault: str = "camera_failed",
    part: str = "kitchen",
    epoch: str = FIRST,
    at: Stamp | None = None,
) -> bytes:
    return event(sequence, AlarmFacts(fault, part, raised), epoch=epoch, at=at or stamp(sequence))


def groups(town: Town, now: datetime = NOW + HOUR) -> list[Group]:
    return open_groups([town.community], now, of_town=False)


def waiting(town: Town, now: datetime = NOW + HOUR) -> list[str]:
    return [one.row.fault for group in groups(town, now) for one in group.alarms if one.waits]


def history() -> list[tuple[str, str]]:
    return list(AlarmChange.objects.order_by("pk").values_list("kind", "by"))


def test_who_raised_clears_and_what_comes_again_opens_again_and_counts(town: Town) -> None:
    town.deliver(fact(1), fact(2, fault="reader_failed", part="gate"), now=NOW + HOUR)
    assert sorted(waiting(town)) == ["camera_failed", "reader_failed"]
    town.deliver(fact(3, raised=False), now=NOW + HOUR)
    assert waiting(town) == ["reader_failed"]
    row = StationAlarm.objects.get(fault="camera_failed")
    assert (row.cleared_by, row.cleared_at) == ("station:", NOW + timedelta(minutes=3))
    town.deliver(fact(4), now=NOW + HOUR)
    row.refresh_from_db()
    assert (row.raised, row.times, row.first_at, row.last_at) == (
        True,
        2,
        NOW + timedelta(minutes=1),
        NOW + timedelta(minutes=4),
    )


def test_the_same_batch_twice_changes_nothing(town: Town) -> None:
    for _ in range(3):
        town.deliver(fact(1), fact(2, raised=False), fact(3), now=NOW + HOUR)
    assert (StationAlarm.objects.get().times, len(history())) == (2, 3)


@pytest.mark.parametrize("seed", range(4))
def test_however_facts_arrive_the_last_that_was_written_holds(town: Town, seed: int) -> None:
    facts = [fact(sequence, raised=sequence % 2 == 1) for sequence in range(1, 12)]
    random.Random(seed).shuffle(facts)
    for one in facts:
        town.deliver(one, now=NOW + HOUR)
    assert StationAlarm.objects.get().raised


def test_facts_of_other_boots_are_ordered_by_a_trusted_calendar(town: Town) -> None:
    late = fact(1, raised=False, epoch=SECOND, at=stamp(30, boot="second"))
    town.deliver(fact(5, at=stamp(5)), now=NOW + HOUR)
    town.deliver(late, now=NOW + HOUR)
    town.deliver(fact(6, at=stamp(6)), now=NOW + HOUR)
    assert waiting(town) == []


def test_an_end_without_a_beginning_is_no_alarm(town: Town) -> None:
    town.deliver(fact(1, raised=False), now=NOW)
    assert not StationAlarm.objects.exists()


def test_a_restart_clears_what_is_not_raised_again(town: Town) -> None:
    town.deliver(fact(1), fact(2, fault="journal_recovered", part="journal"), now=NOW + HOUR)
    town.deliver(
        fact(1, epoch=SECOND, at=stamp(9, boot="second")),
        fact(2, epoch=SECOND, at=stamp(10, boot="second"), fault="smoke", part="mcu"),
        now=NOW + HOUR,
    )
    assert sorted(waiting(town)) == ["camera_failed", "smoke"]
    assert StationAlarm.objects.get(fault="journal_recovered").cleared_by == "restart:"
    assert StationAlarm.objects.get(fault="camera_failed").times == 2
    town.deliver(fact(7, fault="panic", part="mcu", at=stamp(7)), now=NOW + HOUR)
    assert "panic" in waiting(town), "a late fact of the earlier epoch clears nothing"


def test_acknowledged_is_silent_for_a_time_and_not_cleared(town: Town) -> None:
    town.deliver(fact(1), now=NOW + HOUR)
    row = StationAlarm.objects.get()
    acknowledge(row.pk, NOW + 3 * HOUR, *WHY, NOW + HOUR)
    row.refresh_from_db()
    assert (row.raised, waiting(town, NOW + 2 * HOUR)) == (True, [])
    assert len(groups(town, NOW + 2 * HOUR)) == 1
    assert waiting(town, NOW + 3 * HOUR) == ["camera_failed"], "an acknowledgement ends"
    assert history()[-1] == ("acknowledged", "li")


def test_what_comes_again_ends_its_acknowledgement(town: Town) -> None:
    town.deliver(fact(1), now=NOW + HOUR)
    acknowledge(StationAlarm.objects.get().pk, NOW + 9 * HOUR, *WHY, NOW + HOUR)
    town.deliver(fact(2, raised=False), fact(3), now=NOW + HOUR)
    assert waiting(town) == ["camera_failed"]


def test_a_person_closes_and_the_station_opens_again(town: Town) -> None:
    town.deliver(fact(1), now=NOW + HOUR)
    number = StationAlarm.objects.get().pk
    close(number, *WHY, NOW + HOUR)
    assert waiting(town) == []
    assert StationAlarm.objects.get().cleared_by == "li"
    gone = f"no open alarm s{number}"
    with pytest.raises(InputError, match=gone):
        close(number, *WHY, NOW)
    with pytest.raises(InputError, match=gone):
        acknowledge(number, NOW + HOUR, *WHY, NOW)
    town.deliver(fact(2, raised=False), now=NOW + HOUR)
    town.deliver(fact(3), now=NOW + HOUR)
    assert (waiting(town), StationAlarm.objects.get().times) == (["camera_failed"], 2)


@pytest.mark.parametrize(("by", "reason"), [("", "why"), ("li", ""), ("li", "two\nlines")])
def test_nothing_is_decided_without_who_and_why(town: Town, by: str, reason: str) -> None:
    town.deliver(fact(1), now=NOW + HOUR)
    number, station = StationAlarm.objects.get().pk, Station.objects.get()
    until, now = NOW + 2 * HOUR, NOW + HOUR
    with pytest.raises(InputError):
        acknowledge(number, until, by, reason, now)
    with pytest.raises(InputError):
        close(number, by, reason, now)
    with pytest.raises(InputError):
        begin_maintenance(station, until, by, reason, now)
    assert waiting(town) == ["camera_failed"]


def test_maintenance_silences_a_station_until_its_hour_then_it_speaks(town: Town) -> None:
    town.deliver(fact(1), now=NOW + HOUR)
    station = Station.objects.get()
    begin_maintenance(station, NOW + 3 * HOUR, *WHY, NOW + HOUR)
    town.deliver(fact(2, fault="panic", part="mcu"), now=NOW + HOUR)
    (first, second) = groups(town, NOW + 2 * HOUR)
    assert not first.waits
    assert second.first.in_maintenance
    assert sorted(waiting(town, NOW + 3 * HOUR)) == ["camera_failed", "panic"]
    begin_maintenance(station, NOW + 9 * HOUR, *WHY, NOW + 2 * HOUR)
    assert waiting(town, NOW + 4 * HOUR) == []
    end_maintenance(station, "li", NOW + 4 * HOUR)
    assert len(waiting(town, NOW + 4 * HOUR)) == 2
    with pytest.raises(InputError, match="not in maintenance"):
        end_maintenance(station, "li", NOW + 4 * HOUR)


def test_more_than_ten_in_ten_minutes_are_one_group(town: Town) -> None:
    def come(count: int, minutes: float) -> None:
        town.deliver(
            *(fact(n, fault=f"fault_{n}", at=stamp(n * minutes / count)) for n in range(1, count + 1)),
            now=NOW + HOUR,
        )

    come(FLOOD, 10)
    assert len(groups(town, NOW + timedelta(minutes=11))) == FLOOD
    town.deliver(fact(50, fault="one_more", at=stamp(10.5)), now=NOW + HOUR)
    (group,) = groups(town, NOW + timedelta(minutes=11))
    assert (group.is_flood, len(group.alarms)) == (True, FLOOD + 1)
    later = NOW + timedelta(minutes=12) + LOOK_BACK
    assert len(groups(town, later)) == FLOOD + 1, "an hour later each stands alone again"


def test_ten_slow_alarms_are_no_flood(town: Town) -> None:
    facts = [fact(n, fault=f"fault_{n}", at=stamp(n * 1.5)) for n in range(1, 20)]
    town.deliver(*facts, now=NOW + HOUR)
    assert flooding([Station.objects.get().pk], NOW + timedelta(minutes=40)) == set()


def test_a_station_with_countless_faults_has_a_bounded_number_of_alarms(town: Town) -> None:
    town.station("east-gate")
    station = Station.objects.select_related("community").get()
    events = [
        (station.pk, Event(FIRST, number, stamp(number / 100), AlarmFacts(f"f{number}", "", raised=True)))
        for number in range(1, 3 * MOST)
    ]
    note_alarms({station.pk: station}, events, [], NOW + HOUR)
    assert StationAlarm.objects.count() == MOST + 1
    assert StationAlarm.objects.get(fault=OTHERS).times == 2 * MOST - 1
    assert AlarmChange.objects.count() < 2 * MOST


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-11-20T11:59", "2027-11-20T12:00", "9" * 400])
def test_an_hour_that_is_none_or_out_of_bounds_is_refused(town: Town, text: str) -> None:
    assert town.community.pk
    with pytest.raises(InputError):
        read_until(text, ZoneInfo("Asia/Shanghai"), NOW)


def test_an_hour_is_read_by_the_communitys_clock(town: Town) -> None:
    assert town.community.pk
    assert read_until("2026-11-20T13:00", ZoneInfo("Asia/Shanghai"), NOW) == NOW + HOUR
    assert read_until("2026-11-20T05:00+00:00", ZoneInfo("Asia/Shanghai"), NOW) == NOW + HOUR
    assert timedelta(days=30) == LONGEST
