"""The pages of stations as axe-core sees them, in every size and language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import sin

from django.db import connection
from playwright.sync_api import Page, ViewportSize

from cloud_sync.ledger.commanding.models import Command
from cloud_sync.ledger.commanding.outcomes import end_undelivered, note_answer
from cloud_sync.ledger.fleet.alarms import LedgerFault, Wanted, set_ledger_alarms
from cloud_sync.ledger.fleet.decisions import acknowledge, begin_maintenance
from cloud_sync.ledger.fleet.models import Reading, StationAlarm
from cloud_sync.ledger.fleet.readings import grain_of, slot_of
from cloud_sync.ledger.officers.grants import give_role
from cloud_sync.ledger.officers.register import find_officer
from cloud_sync.ledger.officers.rights import OfficerRole
from cloud_sync.ledger.stations.models import Station
from cloud_sync.wire.commands import Answer, Ending, Why
from cloud_sync.wire.facts import AlarmFacts
from cloud_sync.wire.station_state import (
    BinState,
    DoorReading,
    StationState,
    SupplyReading,
    TemperatureReading,
)
from tests.ledger.browser.test_looks import every_size, look_at, page, signed_in
from tests.ledger.fleet.saying import Saying
from tests.ledger.town import Town, event, stamp

__all__ = ["page", "signed_in"]


def a_day_of_readings(slug: str, now: datetime) -> None:
    station, before = Station.objects.get(slug=slug), None
    for number in range(144, 0, -1):
        at = now - timedelta(minutes=10 * number)
        if 40 < number < 60 or (grain := grain_of(at, before)) is None:
            continue
        before = at
        Reading.objects.create(
            station=station,
            slot=slot_of(at),
            grain=grain,
            outbox=max(0, int(30 * sin(number / 9))),
            hottest_c=round(25 + 9 * sin(number / 20), 1),
            lowest_v=round(12 + 0.4 * sin(number / 5), 2),
            skew_s=0.2,
        )


def a_town_of_stations(town: Town) -> None:
    now = datetime.now(UTC)
    for slug in ("east-gate", "west-gate", "north-gate", "south-gate"):
        town.station(slug)
    Station.objects.filter(slug="east-gate").update(name_zh="东门桶站", name_en="East Gate")
    a_day_of_readings("east-gate", now)
    saying = Saying(town.community.slug, now - timedelta(hours=2))
    said = StationState(online=True, start=7, connection=1, sequence=1, outbox=37, model="waste-0.4")
    saying.say("west-gate", said)
    saying.at = now
    saying.say("west-gate", StationState(online=False, start=7, connection=1))
    readings = (
        TemperatureReading("mcu", 31.5, 4.0),
        SupplyReading("mcu", 12.1, 0.0),
        DoorReading("mcu", is_open=True, age_s=1.0),
    )
    full = StationState(
        online=True,
        start=7,
        outbox=3,
        readings=readings,
        bins=(BinState("kitchen", full=True), BinState("other", full=False)),
        wall_s=saying.at.timestamp() - 4000,
        model="waste-0.4",
        versions={"software": "0.9.0", "roster": "12"},
    )
    saying.say("east-gate", full)
    saying.say("north-gate", StationState(online=True, start=7, outbox=0))
    several = ("camera_failed", "reader_quiet")
    raised = [AlarmFacts(fault, "kitchen", raised=True) for fault in several]
    town.deliver(*(event(n, one, at=stamp(now)) for n, one in enumerate(raised, 1)), now=now)
    many = [AlarmFacts("lid_forced", f"bin-{number}", raised=True) for number in range(12)]
    epoch = "00000000000000cc"
    flood = (event(n, one, epoch=epoch, at=stamp(now)) for n, one in enumerate(many, 1))
    town.deliver(*flood, station="north-gate", now=now)
    east, west = (Station.objects.get(slug=slug) for slug in ("east-gate", "west-gate"))
    begin_maintenance(west, now + timedelta(hours=3), "li", "新的盖子", now)
    number = StationAlarm.objects.get(station=east, fault="reader_quiet").pk
    acknowledge(number, now + timedelta(hours=3), "li", "零件已订购", now)
    cut = Wanted(town.community, None, LedgerFault.LINE_CUT, "8/10")
    set_ledger_alarms([cut], [LedgerFault.LINE_CUT], now)


@every_size
def test_no_officer_is_kept_from_reading_how_stations_are(
    served: str, page: Page, town: Town, signed_in: Callable[[], None], sizes: tuple[ViewportSize, ...]
) -> None:
    signed_in()
    look_at(page, f"{served}/office/stations/", "stations-empty", sizes)
    a_town_of_stations(town)
    connection.close()
    look_at(page, f"{served}/office/stations/", "stations-full", sizes)
    look_at(page, f"{served}/office/stations/?show=waiting", "stations-none", sizes)
    look_at(page, f"{served}/office/sunny-garden/stations/east-gate/", "station-full", sizes)
    look_at(page, f"{served}/office/sunny-garden/stations/north-gate/", "station-flood", sizes)
    look_at(page, f"{served}/office/sunny-garden/stations/south-gate/", "station-unheard", sizes)


def some_commands(now: datetime) -> None:
    """Commands to the east gate: waiting, done, refused, and not delivered."""
    station = Station.objects.get(slug="east-gate")
    made = [
        Command.objects.create(
            station=station,
            order=f"{number:032x}",
            form=f"form-{number}",
            verb="open",
            about="kitchen",
            issuer="wang",
            reason="the lid squeaks",
            made_at=now - timedelta(minutes=number),
        )
        for number in range(4)
    ]
    place = (station.community.slug, station.slug)
    note_answer(station, Answer(made[1].order, *place, Ending.DONE, 70.0, lid="open", after_s=1.4), now)
    note_answer(station, Answer(made[2].order, *place, Ending.REFUSED, 71.0, Why.EMERGENCY), now)
    end_undelivered(made[3], now)


@every_size
def test_no_installer_is_kept_from_commanding_a_station(
    served: str, page: Page, town: Town, signed_in: Callable[[], None], sizes: tuple[ViewportSize, ...]
) -> None:
    town.station("east-gate")
    officer = find_officer("wang")
    give_role(officer, OfficerRole.INSTALLER, None, "test", "an example", datetime.now(UTC))
    connection.close()
    signed_in()
    address = f"{served}/office/sunny-garden/stations/east-gate/commands/"
    look_at(page, address, "commands-none", sizes)
    some_commands(datetime.now(UTC))
    connection.close()
    look_at(page, address, "commands-full", sizes)
