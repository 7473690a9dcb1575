"""A controller's cabinet: temperature, supply and door become readings and faults that end by themselves."""

from __future__ import annotations

import pytest

from cloud_sync.wire.station_state import DoorReading, SupplyReading, TemperatureReading
from config.wiring import ControllerSection
from edge.faults import CATALOGUE, Blocks, FaultCode, Severity, blocked_bins
from edge.faults import Fault as StandingFault
from edge.hardware.controller.cabinet import Cabinet
from edge.messages import FaultCleared, FaultRaised
from firmware_bridge.link.messages import SensorKind, SensorValue, Welcome
from tests.edge.hardware.posted import Hand, Posted

WELCOME = Welcome(1, 1, 1, 1, 1, 0, 0, 0, 1, (1, 1, 0))
LIMITS = ControllerSection(id="mcu", port="/dev/mcu", hot_c=60.0, low_v=12.0, least_v=10.0)


class Box:
    """A cabinet with a clock that a test moves."""

    def __init__(self, section: ControllerSection = LIMITS) -> None:
        self.clock, self.posted = Hand(), Posted()
        self.cabinet = Cabinet(section, ["kitchen", "other"], self.clock, self.posted)

    def read(self, kind: SensorKind, value: int, then_s: float = 0.0) -> None:
        """Report a value, and let it stand for a while."""
        self.cabinet.handle_report(SensorValue(kind, 0, value))
        self.clock.at += then_s
        self.cabinet.poll()

    @property
    def faults(self) -> set[tuple[str, str]]:
        standing: set[tuple[str, str]] = set()
        for event in self.posted.events:
            if isinstance(event, FaultRaised):
                standing.add((event.fault, event.part))
            elif isinstance(event, FaultCleared):
                standing.discard((event.fault, event.part))
        return standing


@pytest.fixture
def box() -> Box:
    return Box()


def test_readings_are_kept_in_their_units_with_their_ages(box: Box) -> None:
    assert box.cabinet.readings() == []
    box.read(SensorKind.DOOR, 0, then_s=60)
    box.read(SensorKind.SUPPLY, 12_100, then_s=5)
    box.read(SensorKind.TEMPERATURE, 3150)
    assert box.cabinet.readings() == [
        TemperatureReading("mcu", 31.5, 0.0),
        SupplyReading("mcu", 12.1, 5.0),
        DoorReading("mcu", is_open=False, age_s=65.0),
    ]
    assert box.posted.events == []


def test_a_reading_is_the_last_report(box: Box) -> None:
    box.read(SensorKind.TEMPERATURE, 3150, then_s=60)
    box.read(SensorKind.TEMPERATURE, -250, then_s=2)
    assert box.cabinet.readings() == [TemperatureReading("mcu", -2.5, 2.0)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (SensorKind.TEMPERATURE, -(2**31)),
        (SensorKind.TEMPERATURE, 20_001),
        (SensorKind.SUPPLY, -1),
        (SensorKind.SUPPLY, 100_001),
    ],
)
def test_a_value_that_no_such_sensor_can_have_is_no_reading(box: Box, kind: SensorKind, value: int) -> None:
    box.read(kind, value)
    assert box.cabinet.readings() == []


def test_other_sensors_are_no_readings_of_the_cabinet(box: Box) -> None:
    for kind in set(SensorKind) - {SensorKind.TEMPERATURE, SensorKind.SUPPLY, SensorKind.DOOR}:
        box.read(kind, 1)
    assert box.cabinet.readings() == []


def test_a_new_link_begins_without_the_old_ones_readings(box: Box) -> None:
    box.read(SensorKind.SUPPLY, 12_100, then_s=60)
    box.cabinet.link_down()
    assert box.cabinet.readings() == [SupplyReading("mcu", 12.1, 60.0)]
    box.cabinet.link_up(WELCOME)
    assert box.cabinet.readings() == []


def test_a_hot_cabinet_is_a_warning_until_it_has_cooled(box: Box) -> None:
    box.read(SensorKind.TEMPERATURE, 6000, then_s=29)
    assert box.faults == set()
    box.read(SensorKind.TEMPERATURE, 6100, then_s=1)
    assert box.faults == {(FaultCode.CABINET_HOT, "mcu")}
    box.read(SensorKind.TEMPERATURE, 5600, then_s=100)
    assert box.faults == {(FaultCode.CABINET_HOT, "mcu")}
    box.read(SensorKind.TEMPERATURE, 5499, then_s=30)
    assert box.faults == set()


def test_a_low_supply_is_a_warning_until_it_is_well_above_its_limit(box: Box) -> None:
    box.read(SensorKind.SUPPLY, 11_900, then_s=10)
    assert box.faults == {(FaultCode.SUPPLY_LOW, "mcu")}
    box.read(SensorKind.SUPPLY, 12_500, then_s=100)
    assert box.faults == {(FaultCode.SUPPLY_LOW, "mcu")}
    box.read(SensorKind.SUPPLY, 12_700, then_s=10)
    assert box.faults == set()


def test_a_supply_below_its_least_keeps_the_controllers_bins_shut_until_it_is_back(box: Box) -> None:
    box.read(SensorKind.SUPPLY, 9_900, then_s=10)
    unpowered = {(FaultCode.LID_UNPOWERED, "kitchen"), (FaultCode.LID_UNPOWERED, "other")}
    assert box.faults == unpowered | {(FaultCode.SUPPLY_LOW, "mcu")}
    standing = [StandingFault(FaultCode(code), part) for code, part in box.faults]
    assert blocked_bins(standing) == {"kitchen", "other"}
    box.read(SensorKind.SUPPLY, 10_600, then_s=10)
    assert box.faults == {(FaultCode.SUPPLY_LOW, "mcu")}
    box.read(SensorKind.SUPPLY, 13_000, then_s=10)
    assert box.faults == set()


def test_a_motor_that_pulls_the_supply_down_for_a_moment_is_no_fault(box: Box) -> None:
    for _ in range(20):
        box.read(SensorKind.SUPPLY, 9_000, then_s=2)
        box.read(SensorKind.SUPPLY, 12_700, then_s=5)
    assert box.posted.events == []


def test_a_door_that_stands_open_is_a_warning_until_it_is_shut(box: Box) -> None:
    box.read(SensorKind.DOOR, 1, then_s=59)
    assert box.faults == set()
    box.read(SensorKind.DOOR, 1, then_s=1)
    assert box.faults == {(FaultCode.CABINET_OPEN, "mcu")}
    box.read(SensorKind.DOOR, 0, then_s=1)
    assert box.faults == set()


def test_a_supply_without_limits_is_shown_and_not_judged() -> None:
    box = Box(ControllerSection(id="mcu", port="/dev/mcu"))
    box.read(SensorKind.SUPPLY, 500, then_s=1000)
    assert box.cabinet.readings() == [SupplyReading("mcu", 0.5, 1000.0)]
    assert box.posted.events == []


def test_a_lost_link_changes_nothing_that_was_seen(box: Box) -> None:
    box.read(SensorKind.DOOR, 1, then_s=60)
    box.cabinet.link_down()
    assert box.faults == {(FaultCode.CABINET_OPEN, "mcu")}


def test_only_a_supply_below_its_least_stops_anything() -> None:
    for code in (FaultCode.SUPPLY_LOW, FaultCode.CABINET_HOT, FaultCode.CABINET_OPEN):
        assert (CATALOGUE[code].severity, CATALOGUE[code].blocks) == (Severity.WARNING, Blocks.NOTHING)
    assert CATALOGUE[FaultCode.LID_UNPOWERED].blocks is Blocks.BIN
