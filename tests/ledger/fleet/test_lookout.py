"""Silence becomes alarms: one for each cause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from cloud_sync.ledger.communities.facts import Facts
from cloud_sync.ledger.communities.register import add_community
from cloud_sync.ledger.fleet.lookout import AWAY_S, EVERY_S, SETTLING_S, Lookout
from cloud_sync.ledger.fleet.models import StationAlarm
from cloud_sync.ledger.fleet.status import MISSED
from cloud_sync.ledger.stations.models import Community
from cloud_sync.wire.station_state import StationState
from tests.engines import BOTH
from tests.ledger.fleet.saying import Saying
from tests.ledger.town import Town

pytestmark = BOTH
COMMUNITIES, STATIONS = 5, 10


@dataclass
class Scene:
    """A town whose stations speak every ten seconds, and a worker that looks out."""

    sayings: list[Saying]
    connected: bool = True

    def __post_init__(self) -> None:
        first = self.sayings[0]
        self.mute: set[tuple[int, int]] = set()
        self.lookout = Lookout(lambda: self.connected, lambda: first.at, lambda: first.ran_s)
        self.sequence = 0

    def run(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(int(seconds / EVERY_S)):
            self.sequence += 1
            for number, saying in enumerate(self.sayings):
                for station in range(STATIONS):
                    if self.connected and (number, station) not in self.mute:
                        said = StationState(online=True, start=7, connection=1, sequence=self.sequence)
                        saying.bring(f"gate-{station}", said)
                saying.states.turn()
                saying.later(EVERY_S)
            self.lookout.turn()

    def open(self) -> list[tuple[str, str]]:
        rows = StationAlarm.objects.filter(raised=True).select_related("station").order_by("pk")
        return [(row.fault, row.station.slug if row.station else row.detail) for row in rows]


@pytest.fixture
def scene(town: Town) -> Scene:
    facts = Facts(name_zh="里", name_en="Lane", timezone="Asia/Shanghai")
    places: list[Community] = [town.community]
    places += [add_community(f"lane-{number}", facts, ()) for number in range(1, COMMUNITIES)]
    for place in places:
        there = Town(place)
        for station in range(STATIONS):
            there.station(f"gate-{station}")
    made = Scene([Saying(place.slug) for place in places])
    made.run(SETTLING_S + 2 * EVERY_S)
    assert made.open() == []
    return made


TIME_S = MISSED.total_seconds() + SETTLING_S + 3 * EVERY_S


def test_one_station_is_named_and_cleared_when_it_is_heard(scene: Scene) -> None:
    scene.mute = {(1, 3)}
    scene.run(TIME_S)
    assert scene.open() == [("offline", "gate-3")]
    scene.run(60)
    assert StationAlarm.objects.get().times == 1
    scene.mute = set()
    scene.run(30)
    assert scene.open() == []
    assert StationAlarm.objects.get().cleared_by == "ledger:"


def test_a_communitys_line_is_one_alarm_also_while_its_stations_return(scene: Scene) -> None:
    scene.mute = {(2, station) for station in range(STATIONS)}
    scene.run(TIME_S)
    assert [fault for fault, _ in scene.open()] == ["line_cut"]
    for station in range(STATIONS):
        scene.mute.discard((2, station))
        scene.run(EVERY_S)
        assert [fault for fault, _ in scene.open()] in (["line_cut"], [])
    scene.run(60)
    assert scene.open() == []
    assert StationAlarm.objects.count() == 1


def test_a_broker_that_stations_cannot_reach_is_one_alarm_of_the_town(scene: Scene) -> None:
    scene.mute = {(number, station) for number in range(COMMUNITIES) for station in range(STATIONS)}
    scene.run(TIME_S)
    assert scene.open() == [("town_cut", "50/50")]
    assert StationAlarm.objects.count() == 1


def test_a_broker_that_the_ledger_cannot_reach_is_one_alarm_and_its_return_none(scene: Scene) -> None:
    scene.connected = False
    scene.run(AWAY_S + MISSED.total_seconds() + 600)
    assert [fault for fault, _ in scene.open()] == ["broker_away"]
    scene.connected = True
    scene.run(TIME_S)
    assert scene.open() == []
    assert StationAlarm.objects.count() == 1


def test_another_worker_that_hears_stations_keeps_this_ones_trouble_from_being_an_alarm(scene: Scene) -> None:
    scene.connected = False
    first = scene.sayings[0]
    for sequence in range(1000, 1020):
        first.say("gate-0", StationState(online=True, start=7, connection=1, sequence=sequence))
        first.later(EVERY_S)
        scene.lookout.turn()
    assert scene.open() == []
    first.later(timedelta(minutes=2).total_seconds())
    scene.lookout.turn()
    assert [fault for fault, _ in scene.open()] == ["broker_away"]
