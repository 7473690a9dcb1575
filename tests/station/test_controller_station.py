"""A whole station whose lid and reader hang on a microcontroller: its twin, on a pty."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import msgspec
import pytest

from cloud_sync.wire.station_state import CabinetReading, DoorReading, SupplyReading, TemperatureReading
from config.wiring import ControllerInput, ReaderInput
from config.words import load_words
from edge.check.devices import CheckOptions, check_devices
from edge.hardware.build import hardware_builder
from edge.loop.clocks import RealClock
from edge.readers.kinds import rdm6300
from edge.station_file import load_station
from edge.sync.live_readings import live_readings
from firmware_bridge.link.messages import SensorKind
from tests.firmware_bridge.conformance.device import Device, twin
from tests.station.conftest import FRAME, TAP_AGAIN_S, Site
from tests.waiting import COMMAND_WITHIN_S, tried, until

CONTROLLER = """
[bin.lid]
kind = "controller"
controller = "mcu"
number = 0
[[controller]]
id = "mcu"
port = "{port}"
"""


@pytest.fixture
def device(site: Site) -> Iterator[Device]:
    """Give the twin of a station whose configuration names it."""
    with twin("--lids", "1") as device:
        text = site.config.read_text(encoding="utf-8").partition("[bin.lid]")[0]
        text = text.replace(f'port = "{site.wire.path}"', 'controller = "mcu"\nnumber = 0')
        site.config.write_text(text + CONTROLLER.format(port=device.path), encoding="utf-8")
        assert load_station(site.config).reader[0].wiring.input == ControllerInput(
            "mcu", 0, ReaderInput.SERIAL
        )
        site.init()
        yield device


def tap_until_open(device: Device) -> None:
    """Tap a card, again and again with pauses, until the lid is open."""
    tap = f"serial 0 {(2 * FRAME).hex()}"
    tried(lambda: device.do(tap), lambda: device.lid(0)[0] == 1000, "the lid opens for a card", TAP_AGAIN_S)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_card_opens_the_lid_and_a_station_that_dies_or_hangs_leaves_it_to_shut(
    site: Site, device: Device, number: signal.Signals
) -> None:
    with site.start("run") as station:
        tap_until_open(device)
        os.kill(station.pid, number)
        until(lambda: device.lid(0) == (0, "off"), "the lid shut by itself")
        if number is signal.SIGSTOP:
            station.send_signal(signal.SIGCONT)
            tap_until_open(device)


def test_a_station_goes_on_when_its_controller_has_no_lid_of_that_number(site: Site, device: Device) -> None:
    before, _, after = site.config.read_text(encoding="utf-8").rpartition("number = 0")
    site.config.write_text(f"{before}number = 5{after}", encoding="utf-8")
    told = load_words().prompt["bin_faulty"].en.partition("{bin}")[2]
    with site.start("run") as station:
        until(lambda: site.faults() == {"lid_missing"}, "it is named", COMMAND_WITHIN_S)
        device.do(f"serial 0 {(2 * FRAME).hex()}")
        until(lambda: told in (site.shown().get("said") or {"en": ""})["en"], "the resident is told")
        assert station.poll() is None


def recorded(site: Site) -> list[tuple[int | None, bool]]:
    """Weight of each deposit on the journal, and whether anything saw it."""
    return [(each.weight_g, each.verdict is not None) for visit in site.visits() for each in visit.deposits]


def test_a_bin_with_a_scale_and_no_camera_counts_what_is_thrown_in_by_its_weight(
    site: Site, device: Device
) -> None:
    scale = '\nscale = { controller = "mcu", number = 0, counts_per_g = 100.0 }\n[bin.lid]'
    text = site.config.read_text(encoding="utf-8").replace("\n[bin.lid]", scale, 1)
    site.config.write_text(text, encoding="utf-8")
    noise = count()
    with site.start("run"):

        def tap() -> None:
            device.do(f"sensor 0 0 {400_000 + next(noise) % 5}")  # a scale that never stirs counts as stuck
            device.do(f"serial 0 {(2 * FRAME).hex()}")

        tried(tap, lambda: device.lid(0)[0] == 1000, "the lid opens for a card", TAP_AGAIN_S)
        device.do("sensor 0 0 431000")
        until(lambda: recorded(site), "the visit to be kept", COMMAND_WITHIN_S)
    ((weight_g, is_seen),) = recorded(site)
    assert weight_g == pytest.approx(310, abs=1)
    assert not is_seen


def cards(site: Site) -> list[str]:
    """Give the card of each visit that the station has kept."""
    return [visit.card for visit in site.visits()]


def frame_of(number: str) -> bytes:
    payload = rdm6300.KIND.transmit(rdm6300.Rdm6300Section(id="gate"), number).payload
    assert isinstance(payload, bytes)
    return payload


def test_noise_that_looks_like_a_card_opens_nothing_and_earns_nothing(site: Site, device: Device) -> None:
    def visit() -> None:
        """Tap until the lid opens, and no more: a card that is tapped again goes on with its visit."""
        before = len(cards(site))
        tap_until_open(device)
        until(lambda: len(cards(site)) > before, "the card's visit is kept")
        until(lambda: device.lid(0) == (0, "off"), "the lid is shut")

    with site.start("run"):
        visit()
        for number in ("0000000000", "FFFFFFFFFF", "5555555555"):
            device.do(f"serial 0 {(2 * frame_of(number)).hex()}")
        device.do(f"serial 0 {frame_of('00F00000F0').hex()}")  # it fits, and comes once
        visit()
        assert len(set(cards(site))) == 1


def test_station_check_shows_what_a_scale_reads(site: Site, device: Device) -> None:
    scale = '\nscale = { controller = "mcu", number = 0, counts_per_g = 100.0 }\n[bin.lid]'
    text = site.config.read_text(encoding="utf-8").replace("\n[bin.lid]", scale, 1)
    site.config.write_text(text, encoding="utf-8")
    device.do("sensor 0 0 431000")
    settings = load_station(site.config)
    hardware = hardware_builder(settings, bytes(32), lambda: pytest.fail("no pin is wired"))
    found = check_devices(settings, hardware, RealClock(), CheckOptions(listen_s=1.5), load_words())
    (said,) = [one for one in found if one.part == "scale"]
    assert (said.says, dict(said.values)) == ("scale_reads", {"counts": "431000", "grams": "4310"})


def test_what_the_controller_measures_is_read_by_the_process_that_tells_the_cloud(
    site: Site, device: Device
) -> None:
    values = {SensorKind.TEMPERATURE: 3150, SensorKind.SUPPLY: 12_100, SensorKind.DOOR: 1}
    for kind, value in values.items():
        device.do(f"sensor {kind.value} 0 {value}")
    runtime = Path(site.settings.station.runtime_dir)

    def told() -> set[CabinetReading]:
        return {
            msgspec.structs.replace(each, age_s=0.0) for each in live_readings(runtime, RealClock()).readings
        }

    measured = {
        TemperatureReading("mcu", 31.5, 0.0),
        SupplyReading("mcu", 12.1, 0.0),
        DoorReading("mcu", is_open=True, age_s=0.0),
    }
    with site.start("run"):
        until(lambda: told() == measured, "the readings are in the live state", COMMAND_WITHIN_S)
        device.do(f"sensor {SensorKind.DOOR.value} 0 0")
        until(lambda: DoorReading("mcu", is_open=False, age_s=0.0) in told(), "the door is shut")
