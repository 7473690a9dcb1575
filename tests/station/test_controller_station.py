"""A whole station whose lid and reader hang on a microcontroller: its twin, on a pty."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from config.load_station import load_station
from config.words import load_words
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
        assert load_station(site.config).reader[0].controller == "mcu"
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
    told = load_words().prompt["bin_faulty"].en
    with site.start("run") as station:
        until(lambda: site.faults() == {"lid_missing"}, "it is named", COMMAND_WITHIN_S)
        device.do(f"serial 0 {(2 * FRAME).hex()}")
        until(lambda: (site.shown().get("said") or {}).get("en") == told, "the resident is told")
        assert station.poll() is None
