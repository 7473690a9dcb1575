"""Readings are kept for a year, thinned."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cloud_sync.ledger.fleet.models import Grain, Reading
from cloud_sync.ledger.fleet.readings import KEPT, THIN_S, Thinning, grain_of, slot_of, thin_out
from cloud_sync.ledger.stations.models import Station
from cloud_sync.wire.station_state import BinState, StationState, SupplyReading, TemperatureReading
from tests.engines import BOTH
from tests.ledger.fleet.saying import Saying
from tests.ledger.town import Town

NIGHT = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
READ = (
    TemperatureReading("a", 31.5, 1.0),
    TemperatureReading("b", 44.0, 1.0),
    SupplyReading("a", 12.1, 1.0),
    SupplyReading("b", 11.4, 1.0),
)


@pytest.mark.parametrize(
    ("before", "after_minutes", "grain"),
    [
        (None, 0, Grain.DAY),
        (NIGHT - timedelta(minutes=1), 0, Grain.DAY),
        (NIGHT, 9, None),
        (NIGHT, 10, Grain.TEN),
        (NIGHT, 59, Grain.TEN),
        (NIGHT, 60, Grain.HOUR),
        (NIGHT + timedelta(minutes=59), 60, Grain.HOUR),
        (NIGHT + timedelta(hours=2), 60, None),
    ],
)
def test_the_first_reading_of_a_day_and_of_an_hour_are_kept_longest(
    before: datetime | None, after_minutes: int, grain: Grain | None
) -> None:
    assert grain_of(NIGHT + timedelta(minutes=after_minutes), before) is grain


@pytest.fixture
def saying(town: Town) -> Saying:
    town.station("gate")
    return Saying(town.community.slug, NIGHT)


@pytest.mark.parametrize("engine", BOTH[1].args[1], indirect=True, ids=str)
@pytest.mark.usefixtures("engine")
def test_one_reading_in_ten_minutes_has_what_the_station_said(saying: Saying) -> None:
    for sequence in range(1, 13):
        saying.say(
            "gate",
            StationState(
                online=True,
                start=7,
                connection=1,
                sequence=sequence,
                outbox=sequence,
                readings=READ,
                bins=(BinState("kitchen", full=True), BinState("other", full=False)),
                model="waste-0.4",
                versions={"software": "1.2"},
            ),
        )
        saying.later(99)
    rows = list(Reading.objects.order_by("slot"))
    assert [row.grain for row in rows] == ["day", "ten"]
    first = rows[0]
    assert (first.outbox, first.hottest_c, first.lowest_v) == (1, 44.0, 11.4)
    assert (first.full, first.model, first.versions) == ("kitchen", "waste-0.4", '{"software":"1.2"}')


def test_a_year_of_readings_is_thinned_and_ends(town: Town) -> None:
    town.station("gate")
    station = Station.objects.get(slug="gate")
    now, rows, before = NIGHT + timedelta(days=400), [], None
    at = NIGHT
    while at <= now:
        if (grain := grain_of(at, before)) is not None:
            rows.append(Reading(station=station, slot=slot_of(at), grain=grain))
            before = at
        at += timedelta(minutes=30)
    Reading.objects.bulk_create(rows)
    while thin_out(now):
        pass
    ages = {
        grain: [now.timestamp() - slot * 600 for slot in _slots(grain)]
        for grain in (Grain.TEN, Grain.HOUR, Grain.DAY)
    }
    assert {grain: max(found) for grain, found in ages.items()} == {
        grain: pytest.approx(KEPT[grain].total_seconds(), abs=86_400) for grain in Grain
    }
    assert len(ages[Grain.TEN]) == 7 * 24
    assert len(ages[Grain.HOUR]) == 90 * 23
    assert len(ages[Grain.DAY]) == 367


def _slots(grain: Grain) -> list[int]:
    return list(Reading.objects.filter(grain=grain).values_list("slot", flat=True))


def test_a_worker_removes_old_readings_at_intervals(town: Town) -> None:
    town.station("gate")
    station = Station.objects.get(slug="gate")

    def old(number: int) -> None:
        slot = slot_of(NIGHT - timedelta(days=8)) + number
        Reading.objects.create(station=station, slot=slot, grain=Grain.TEN)

    ran_s = [0.0]
    thinning = Thinning(lambda: NIGHT, lambda: ran_s[0])
    old(0)
    thinning.turn()
    assert not Reading.objects.exists()
    old(1)
    thinning.turn()
    assert Reading.objects.exists()
    ran_s[0] = THIN_S
    thinning.turn()
    assert not Reading.objects.exists()
