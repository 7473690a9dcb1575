"""A bin's scale at a microcontroller, over a pty: the twin's, and that of the firmware in C."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.faults import FaultCode
from edge.hardware.controller.controller import Mcu
from edge.hardware.lid_news import LidNews, Nobody
from edge.hardware.weight import health
from edge.hardware.weight.scale import Reading, Scale
from edge.loop.clocks import RealClock
from edge.messages import ChamberChanged, FaultCleared, FaultRaised
from edge.station_file import load_station
from firmware_bridge.decoders.em4100 import CardBits
from firmware_bridge.link.messages import SensorKind, SensorValue, Welcome
from tests.edge.hardware.posted import Hand, Posted, services
from tests.firmware_bridge.conformance.conftest import COMMANDS
from tests.firmware_bridge.conformance.device import Device
from tests.waiting import until

TOML = """
[station]
community = "lane-9"
name = "gate"
devices = "real"
state_dir = "state"
runtime_dir = "run"
[visit]
travel_s = 0.3
[[controller]]
id = "mcu"
port = "{port}"
[[reader]]
id = "gate"
controller = "mcu"
number = 0
[[bin]]
id = "kitchen"
category = "kitchen"
reader = "gate"
lid = {{ kind = "controller", controller = "mcu", number = 0 }}
scale = {{ controller = "mcu", number = 0, counts_per_g = -200.0 }}
"""
EMPTY = 900_000
LINK = Welcome(1, 1, 1, 1, 1, 0, 0, 1, 1, (1, 1, 0))


@pytest.fixture(params=["twin", "host"])
def device(request: pytest.FixtureRequest) -> Iterator[Device]:
    with Device(COMMANDS[request.param]()) as device:
        yield device


@pytest.fixture
def posted() -> Posted:
    return Posted()


class Rig:
    """A bin at a device, and what may lie in it."""

    def __init__(self, device: Device, scale: Scale, mcu: Mcu, posted: Posted) -> None:
        self.scale, self._device, self._mcu, self._posted = scale, device, mcu, posted
        self._counts = EMPTY
        self.weigh(0)

    def weigh(self, grams: int) -> None:
        """Lay something in, or take it out."""
        self._counts -= 200 * grams
        self._device.do(f"sensor {SensorKind.WEIGHT} 0 {self._counts}")
        until(lambda: self.scale.reading and self.scale.reading.counts == self._counts, "the scale's reading")

    def weigh_at_rest(self, grams: int) -> None:
        """Lay something in and wait until the scale is sure."""
        before = self._posted.names().count("ChamberStirred")
        self.weigh(grams)
        until(lambda: self._posted.names().count("ChamberStirred") > before, "the scale to feel it")

    def open(self) -> None:
        until(lambda: self.scale.rests, "the tare")
        self._mcu.lids["kitchen"].open(30)
        until(lambda: self._posted.names()[-1] == "LidOpened")

    def shut(self) -> list[int | None]:
        """Let the lid shut; the grams of what was thrown in, told before the lid was."""
        since = len(self._posted.events)
        self._mcu.lids["kitchen"].end_lease()
        until(lambda: "LidClosed" in self._posted.names()[since:], "the lid to shut")
        told = self._posted.events[since : since + self._posted.names()[since:].index("LidClosed")]
        return [one.weight_g for one in told if isinstance(one, ChamberChanged) and one.by_scale]


@pytest.fixture
def rig(device: Device, posted: Posted, tmp_path: Path) -> Iterator[Rig]:
    (tmp_path / "station.toml").write_text(TOML.format(port=device.path), encoding="utf-8")
    settings = load_station(tmp_path / "station.toml")
    section = settings.bin[0].scale
    assert section is not None
    clock = RealClock()
    scale = Scale("kitchen", section, clock, posted)
    news = LidNews(posted, Nobody(), {"kitchen": scale})
    mcu = Mcu(settings.controller[0], settings, services(bytes(32), CardBits.ALL, clock, news))
    mcu.add_scale(scale)
    mcu.start()
    try:
        yield Rig(device, scale, mcu, posted)
    finally:
        mcu.stop()


def test_what_lies_in_the_bin_when_its_lid_shuts_is_told_before_that_in_grams(rig: Rig) -> None:
    rig.open()
    rig.weigh_at_rest(310)
    rig.weigh_at_rest(7000)
    rig.weigh(-7000)
    assert rig.shut() == [310]
    rig.open()
    assert rig.shut() == []


# --- without a device: time in the test's hands ---------------------------------------------------


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def scale(hand: Hand, posted: Posted, tmp_path: Path) -> Scale:
    """A scale whose controller is linked, and which reads a bin at rest."""
    (tmp_path / "station.toml").write_text(TOML.format(port="/dev/none"), encoding="utf-8")
    section = load_station(tmp_path / "station.toml").bin[0].scale
    assert section is not None
    scale = Scale("kitchen", section, hand, posted)
    scale.link_up(LINK)
    read(scale, hand, EMPTY, 2)
    return scale


def read(scale: Scale, hand: Hand, counts: int, seconds: int) -> None:
    """Have it told of readings that differ in their lowest bits, ten times a second."""
    for number in range(10 * seconds):
        hand.at += 0.1
        scale.handle_report(SensorValue(SensorKind.WEIGHT, 0, counts + number % 2))


def faults(posted: Posted) -> list[tuple[str, str]]:
    told = [one for one in posted.events if isinstance(one, FaultRaised | FaultCleared)]
    return [(type(one).__name__, one.fault) for one in told]


def test_a_reading_is_given_in_counts_and_in_grams(scale: Scale) -> None:
    assert scale.reading == Reading(EMPTY + 1, -4500)


def test_a_silent_scale_is_a_fault_until_it_is_heard_again(scale: Scale, hand: Hand, posted: Posted) -> None:
    hand.at += health.SILENT_S + 1
    scale.poll()
    assert faults(posted) == [("FaultRaised", FaultCode.SCALE_SILENT)]
    read(scale, hand, EMPTY, 1)
    assert faults(posted)[1:] == [("FaultCleared", FaultCode.SCALE_SILENT)]


def test_a_fault_of_an_opening_stands_until_the_station_has_heard_that_it_is_over(
    scale: Scale, hand: Hand, posted: Posted
) -> None:
    scale.lid_opened()
    hand.at += health.SILENT_S + 1
    scale.poll()
    read(scale, hand, EMPTY, 5)
    scale.lid_shuts()
    read(scale, hand, EMPTY, 1)
    assert faults(posted) == [("FaultRaised", FaultCode.SCALE_SILENT)]
    scale.lid_rests()
    read(scale, hand, EMPTY, 1)
    assert faults(posted)[1:] == [("FaultCleared", FaultCode.SCALE_SILENT)]


def test_a_lost_link_is_a_fault_at_once_and_what_lay_there_before_is_forgotten(
    scale: Scale, hand: Hand, posted: Posted
) -> None:
    scale.link_down()
    assert faults(posted) == [("FaultRaised", FaultCode.SCALE_SILENT)]
    scale.link_up(LINK)
    read(scale, hand, EMPTY - 200 * 900, 2)
    scale.lid_opened()
    scale.lid_shuts()
    assert faults(posted)[1:] == [("FaultCleared", FaultCode.SCALE_SILENT)]
    assert "ChamberChanged" not in posted.names()


def test_of_two_faults_one_stands(scale: Scale, hand: Hand, posted: Posted) -> None:
    for _ in range(40):
        hand.at += 1
        scale.handle_report(SensorValue(SensorKind.WEIGHT, 0, 2**23 - 1))
    hand.at += 60
    scale.poll()
    assert faults(posted) == [
        ("FaultRaised", FaultCode.SCALE_SATURATED),
        ("FaultCleared", FaultCode.SCALE_SATURATED),
        ("FaultRaised", FaultCode.SCALE_SILENT),
    ]
