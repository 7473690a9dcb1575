"""A station's microcontroller: the twin on a pty, and everything that can be wrong with a port."""

from __future__ import annotations

import os
import random
import tty
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from serial import Serial

from cloud_sync.wire.cards import card_hash
from cloud_sync.wire.facts import Credential
from cloud_sync.wire.station_state import (
    CabinetReading,
    DoorReading,
    SupplyReading,
    TemperatureReading,
)
from config.station import StationSettings
from edge.faults import FaultCode
from edge.hardware.controller.controller import Mcu
from edge.hardware.controller.parts import EmergencyInputs
from edge.hardware.debounce import DebounceTimes
from edge.loop.clocks import RealClock
from edge.messages import (
    FaultCleared,
    FaultRaised,
    LeaseRefused,
    LeaseTaken,
    LevelChanged,
    LidObstructed,
    Tapped,
)
from edge.part_kinds import STATION
from edge.station_file import load_station
from firmware_bridge.decoders.em4100 import CardBits
from firmware_bridge.link import frame
from firmware_bridge.link.codec import decode, encode
from firmware_bridge.link.frame import Frame, FrameDecoder
from firmware_bridge.link.messages import Hello, Message, SensorKind, SensorValue, Welcome
from tests.edge.hardware.posted import Posted, services
from tests.firmware_bridge.conformance.device import Device, twin
from tests.firmware_bridge.damage import wire
from tests.firmware_bridge.relay import Relay
from tests.waiting import tried, until

KEY = bytes(range(32))
RDM6300 = b"\x0262E3086CED08\x03"
TOML = """
[station]
community = "lane-9"
name = "gate"
devices = "real"
state_dir = "state"
runtime_dir = "run"
card_bits = 24
[visit]
travel_s = 0.3
[[controller]]
id = "mcu"
port = "{port}"
[[reader]]
id = "gate"
controller = "mcu"
number = 0
[[reader]]
id = "back"
kind = "wiegand"
controller = "mcu"
number = 1
[[bin]]
id = "kitchen"
category = "kitchen"
reader = "gate"
lid = {{ kind = "controller", controller = "mcu", number = 0 }}
level = {{ controller = "mcu", number = 0, full_mm = 150 }}
[[bin]]
id = "other"
category = "other"
reader = "gate"
lid = {{ kind = "controller", controller = "mcu", number = 3 }}
"""


class Port:
    """A serial port's name that stays, whatever is plugged in there."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "mcu"

    def plug_in(self, pty: str) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.symlink_to(pty)
        fresh.replace(self.path)

    def unplug(self) -> None:
        self.path.unlink()


class Faults:
    """Which faults stand, of what an inbox holds."""

    def __init__(self, posted: Posted) -> None:
        self._posted = posted

    def now(self) -> set[tuple[str, str]]:
        standing: set[tuple[str, str]] = set()
        for event in list(self._posted.events):
            match event:
                case FaultRaised(_, code, part):
                    standing.add((code, part))
                case FaultCleared(_, code, part):
                    standing.discard((code, part))
        return standing


def test_an_emergency_of_two_inputs_lasts_until_both_are_free(posted: Posted) -> None:
    alarms, faults = EmergencyInputs("mcu", RealClock(), posted), Faults(posted)
    for index, value in ((0, 1), (1, 1), (0, 0)):
        alarms.handle_report(SensorValue(SensorKind.PANIC, index, value))
        alarms.handle_report(SensorValue(SensorKind.SMOKE, index, value))
    assert faults.now() == {(FaultCode.PANIC, "mcu"), (FaultCode.SMOKE, "mcu")}
    alarms.handle_report(SensorValue(SensorKind.PANIC, 1, 0))
    assert faults.now() == {(FaultCode.SMOKE, "mcu")}


@pytest.fixture
def port(tmp_path: Path) -> Port:
    return Port(tmp_path)


@pytest.fixture
def settings(tmp_path: Path, port: Port) -> StationSettings:
    file = tmp_path / "station.toml"
    file.write_text(TOML.format(port=port.path), encoding="utf-8")
    return load_station(file)


@pytest.fixture
def posted() -> Posted:
    return Posted()


@pytest.fixture
def faults(posted: Posted) -> Faults:
    return Faults(posted)


@pytest.fixture
def mcu(settings: StationSettings, posted: Posted) -> Iterator[Mcu]:
    """Give a microcontroller that is not started yet."""
    mcu = Mcu(settings.controller[0], settings, services(KEY, CardBits.WIEGAND_26, RealClock(), posted))
    yield mcu
    mcu.stop()


@pytest.fixture
def device(port: Port) -> Iterator[Device]:
    with twin() as device:
        port.plug_in(device.path)
        yield device


@pytest.fixture
def linked(mcu: Mcu, device: Device, posted: Posted) -> Mcu:
    del device
    mcu.start()
    until(lambda: posted.names().count("LidClosed") >= 2, "both lids said where they are")
    return mcu


ALL_AWAY = {
    (FaultCode.LID_UNREACHABLE, "kitchen"),
    (FaultCode.LID_UNREACHABLE, "other"),
    (FaultCode.READER_FAILED, "gate"),
    (FaultCode.READER_FAILED, "back"),
}


# --- at work ------------------------------------------------------------------------------------


def test_a_lease_opens_a_lid_over_the_link_and_it_shuts_when_it_ends(
    linked: Mcu, device: Device, posted: Posted, faults: Faults
) -> None:
    linked.lids["other"].open(3.0)
    until(lambda: posted.names()[-1] == "LidOpened")
    assert device.lid(3) == (1000, "off")
    until(lambda: posted.names()[-1] == "LidClosed")
    assert device.lid(3)[0] == 0
    assert faults.now() == set()


def test_the_end_of_a_lease_shuts_it_at_once_and_what_is_in_the_way_is_told(
    linked: Mcu, device: Device, posted: Posted
) -> None:
    linked.lids["kitchen"].open(60)
    until(lambda: posted.names()[-1] == "LidOpened")
    device.do("obstruct 0 1")
    linked.lids["kitchen"].end_lease()
    until(lambda: "LidObstructed" in posted.names())
    assert [event.bin for event in posted.events if isinstance(event, LidObstructed)] == ["kitchen"]
    assert device.lid(0)[0] == 1000
    device.do("obstruct 0 0")
    until(lambda: posted.names()[-1] == "LidClosed")


def wiegand_26(number: int) -> str:
    bits = f"{number:024b}"
    return f"{bits[:12].count('1') % 2}{bits}{1 - bits[12:].count('1') % 2}"


def test_one_fob_is_one_card_through_a_serial_reader_and_through_wiegand(
    linked: Mcu, device: Device, posted: Posted
) -> None:
    del linked
    device.do(f"serial 0 {(RDM6300 + RDM6300[:5]).hex()}")
    until(lambda: "Tapped" in posted.names())
    device.do(f"wiegand 1 {wiegand_26(0x086CED)}")
    until(lambda: posted.names().count("Tapped") == 2)
    taps = [event for event in posted.events if isinstance(event, Tapped)]
    assert [tap.reader for tap in taps] == ["gate", "back"]
    assert {tap.card for tap in taps} == {card_hash(KEY, Credential.EM4100, "086ced")}


def test_bits_that_are_no_card_are_none(linked: Mcu, device: Device, posted: Posted) -> None:
    del linked
    good = wiegand_26(0x086CED)
    for bits in (good[:-1], good[:-1] + str(1 - int(good[-1])), "0101"):
        device.do(f"wiegand 1 {bits}")
    device.do("serial 0 02363245")
    device.do(f"wiegand 1 {good}")
    until(lambda: "Tapped" in posted.names())
    assert posted.names().count("Tapped") == 1


def test_a_reader_that_gives_fewer_bits_than_the_community_knows_its_fobs_by_is_named(
    settings: StationSettings, device: Device, posted: Posted, faults: Faults
) -> None:
    mcu = Mcu(settings.controller[0], settings, services(KEY, CardBits.WIEGAND_34, RealClock(), posted))
    mcu.start()
    until(lambda: posted.names().count("LidClosed") >= 2)
    device.do(f"wiegand 1 {wiegand_26(0x086CED)}")
    until(lambda: faults.now() == {(FaultCode.READER_FAILED, "back")})
    assert "Tapped" not in posted.names()
    mcu.stop()


def test_a_bin_is_full_when_the_waste_has_been_near_for_a_while_and_not_when_it_flickers(
    settings: StationSettings, device: Device, posted: Posted
) -> None:
    mcu = Mcu(
        settings.controller[0],
        settings,
        services(KEY, CardBits.WIEGAND_26, RealClock(), posted),
        full_times=DebounceTimes(0.2, 0.2),
    )
    mcu.start()
    until(lambda: posted.names().count("LidClosed") >= 2, "both lids said where they are")
    level = int(SensorKind.LEVEL)
    device.do(f"sensor {level} 0 900")
    device.do(f"sensor {level} 0 120")
    until(lambda: "LevelChanged" in posted.names())
    device.do(f"sensor {level} 0 170")
    device.do(f"sensor {level} 0 0")
    device.do(f"sensor {level} 0 400")
    until(lambda: posted.names().count("LevelChanged") == 2)
    levels = [event for event in posted.events if isinstance(event, LevelChanged)]
    assert [(event.bin, event.full) for event in levels] == [("kitchen", True), ("kitchen", False)]
    mcu.stop()


def test_smoke_is_a_fault_of_its_controller_and_over_when_it_is_gone(
    linked: Mcu, device: Device, faults: Faults
) -> None:
    del linked
    device.do(f"sensor {int(SensorKind.SMOKE)} 0 1")
    until(lambda: faults.now() == {(FaultCode.SMOKE, "mcu")})
    device.do(f"sensor {int(SensorKind.SMOKE)} 0 0")
    until(lambda: faults.now() == set())


def test_panic_stops_every_lid_until_the_station_is_reset_and_then_they_open_again(
    linked: Mcu, device: Device, posted: Posted, faults: Faults
) -> None:
    device.do("travel 0 3000")  # until its motor is stopped
    linked.lids["kitchen"].open(60)
    until(lambda: device.lid(0)[1] == "open")
    device.do(f"sensor {int(SensorKind.PANIC)} 0 1")
    until(lambda: faults.now() == {(FaultCode.PANIC, "mcu")})
    place = device.lid(0)
    assert place[1] == "off"
    device.do(f"sensor {int(SensorKind.PANIC)} 0 0")
    until(lambda: faults.now() == set())
    linked.lids["kitchen"].open(60)
    until(lambda: faults.now() == {(FaultCode.EMERGENCY_STOP, STATION)}, "it says that it is stopped")
    linked.resume_motors()
    assert device.lid(0) == place, "nothing moves because somebody reset it"
    device.do("travel 0 300")

    def opens() -> bool:
        linked.lids["kitchen"].open(60)
        return posted.names()[-1] == "LidOpened"

    until(opens)


def test_a_lease_is_told_to_be_taken_and_a_refused_one_to_be_refused(
    linked: Mcu, posted: Posted, device: Device
) -> None:
    linked.lids["kitchen"].open(3.0)
    until(lambda: [type(one) for one in posted.leases] == [LeaseTaken])
    device.do(f"sensor {int(SensorKind.SMOKE)} 0 1")
    until(lambda: "FaultRaised" in posted.names())
    linked.lids["other"].open(3.0)
    until(lambda: LeaseRefused in [type(one) for one in posted.leases])
    assert posted.leases[-1].bin == "other"


def test_noise_on_the_line_is_named_as_noise(mcu: Mcu, port: Port, posted: Posted, faults: Faults) -> None:
    with twin() as device:
        relay = Relay(device.path, wire("perfect", 0), wire("perfect", 0))
        port.plug_in(relay.path)
        mcu.start()
        until(lambda: posted.names().count("LidClosed") >= 2, "it is linked")
        noise = random.Random(3)
        tried(
            lambda: relay.inject(noise.randbytes(64)),
            lambda: (FaultCode.CONTROLLER_NOISY, "mcu") in faults.now(),
            "the noise is named",
            0.02,
        )
        assert not any(code == FaultCode.CONTROLLER_FOREIGN for code, _ in faults.now())
        mcu.stop()
        relay.close()


def test_a_controller_that_comes_back_during_an_emergency_is_stopped_again(
    linked: Mcu, device: Device, faults: Faults
) -> None:
    linked.stop_motors()
    device.do("reboot")  # it forgets what it was told, and finds a lid that stands open
    device.do("place 0 1000")
    # What is asked for before the link notices the restart is dropped with the link.
    tried(
        lambda: linked.lids["kitchen"].open(60),
        lambda: (FaultCode.EMERGENCY_STOP, STATION) in faults.now(),
        "it takes no request",
        0.5,
    )
    assert device.lid(0) == (1000, "off")


def test_a_controller_that_was_stopped_says_so_to_the_next_station(
    linked: Mcu, device: Device, settings: StationSettings
) -> None:
    linked.stop_motors()
    linked.stop()
    again = Posted()
    mcu = Mcu(settings.controller[0], settings, services(KEY, CardBits.WIEGAND_26, RealClock(), again))
    mcu.start()
    until(lambda: "LidClosed" in again.names())
    mcu.lids["kitchen"].open(60)
    until(lambda: (FaultCode.EMERGENCY_STOP, STATION) in Faults(again).now())
    assert device.lid(0)[1] == "off"
    mcu.stop()


# --- what can be wrong --------------------------------------------------------------------------


def test_a_lid_that_the_controller_does_not_have_is_named_and_the_others_work(
    mcu: Mcu, port: Port, posted: Posted, faults: Faults
) -> None:
    with twin("--lids", "2") as device:
        port.plug_in(device.path)
        mcu.start()
        until(lambda: faults.now() == {(FaultCode.LID_MISSING, "other")})
        mcu.lids["other"].open(8)
        mcu.lids["kitchen"].open(8)
        until(lambda: posted.names()[-1] == "LidOpened")
        port.unplug()
    with twin() as better:
        port.plug_in(better.path)
        until(lambda: faults.now() == set(), "another controller was fitted")


def test_a_controller_that_is_unplugged_is_named_with_all_that_hangs_on_it_and_comes_back(
    linked: Mcu, port: Port, device: Device, faults: Faults, posted: Posted
) -> None:
    del linked
    port.unplug()
    until(lambda: faults.now() == {(FaultCode.CONTROLLER_LOST, "mcu"), *ALL_AWAY})
    port.plug_in(device.path)
    until(lambda: faults.now() == set())
    device.do(f"serial 0 {RDM6300.hex()}")
    until(lambda: posted.names()[-1] == "Tapped")


def test_a_controller_that_restarts_is_told_its_lids_bounds_again_and_goes_on(
    linked: Mcu, device: Device, posted: Posted, faults: Faults
) -> None:
    before = len(posted.events)
    device.do("reboot")
    until(lambda: posted.names()[before:].count("LidClosed") >= 2)
    until(lambda: faults.now() == set())
    # Its own bound would be 3.1 s, in which such a lid opens; the station's travel of 0.3 s makes it 0.55 s.
    device.do("travel 0 3000")
    linked.lids["kitchen"].open(60)
    until(lambda: device.lid(0)[0] > 0 and device.lid(0)[1] == "off")
    assert device.lid(0)[0] < 1000


def test_a_port_that_is_not_there_or_that_another_program_has_is_named(
    mcu: Mcu, port: Port, faults: Faults
) -> None:
    mcu.start()
    until(lambda: faults.now() == {(FaultCode.CONTROLLER_LOST, "mcu"), *ALL_AWAY})
    with twin() as device:
        with Serial(device.path, exclusive=True):
            port.plug_in(device.path)
            until(lambda: faults.now() == {(FaultCode.PORT_BUSY, "mcu"), *ALL_AWAY})
        until(lambda: faults.now() == set(), "it was let go")


class OtherDevice:
    """A device of the test's own on a pty, which answers what it is sent."""

    def __init__(self, port: Port) -> None:
        self._far, self._near = os.openpty()
        tty.setraw(self._near)
        os.set_blocking(self._far, False)
        self._decoder = FrameDecoder()
        port.plug_in(os.ttyname(self._near))

    def close(self) -> None:
        os.close(self._far)
        os.close(self._near)

    def heard(self) -> list[Message]:
        try:
            data = os.read(self._far, 4096)
        except BlockingIOError:
            return []
        messages = [decode(one.type, one.body) for one in self._decoder.feed(data)]
        return [message for message in messages if isinstance(message, Message)]

    def say(self, data: bytes) -> None:
        os.write(self._far, data)


@pytest.mark.parametrize("highest", [0, 9])
def test_an_older_or_newer_controller_is_named_and_taken_when_it_is_updated(
    mcu: Mcu, port: Port, faults: Faults, highest: int
) -> None:
    with ExitStack() as closing:
        other_device = OtherDevice(port)
        closing.callback(other_device.close)
        mcu.start()

        def is_named() -> bool:
            for message in other_device.heard():
                if isinstance(message, Hello):
                    answer = Welcome(0, highest, message.link, 7, 4, 2, 1, 0, 8, (9, 0, 0))
                    code, body = encode(answer)
                    other_device.say(frame.encode(Frame(code, 0, body)))
            return faults.now() == {(FaultCode.CONTROLLER_VERSION, "mcu"), *ALL_AWAY}

        until(is_named)
        port.unplug()
    with twin() as device:
        port.plug_in(device.path)
        until(lambda: faults.now() == set(), "it was updated")


@pytest.mark.parametrize("words", [RDM6300, b"$GPGGA,092750.000,5321.6802,N,00630.3372,W,1,8*7E\r\n" * 3])
def test_some_other_device_on_the_port_is_named_and_so_is_the_end_of_it(
    mcu: Mcu, port: Port, faults: Faults, words: bytes
) -> None:
    with ExitStack() as closing:
        other_device = OtherDevice(port)
        closing.callback(other_device.close)
        mcu.start()

        def is_named() -> bool:
            other_device.heard()
            other_device.say(words)
            return faults.now() == {(FaultCode.CONTROLLER_FOREIGN, "mcu"), *ALL_AWAY}

        until(is_named)
        port.unplug()
    with twin() as device:
        port.plug_in(device.path)
        until(lambda: faults.now() == set(), "the right one was plugged in")


def test_a_reader_that_the_controller_does_not_have_is_named(mcu: Mcu, port: Port, faults: Faults) -> None:
    with twin("--serial", "0") as device:
        port.plug_in(device.path)
        mcu.start()
        until(lambda: faults.now() == {(FaultCode.READER_FAILED, "gate")})


def test_a_reader_that_falls_silent_raises_a_warning_and_its_next_tap_ends_it(
    settings: StationSettings, device: Device, posted: Posted, faults: Faults
) -> None:
    quick = msgspec.structs.replace(settings.reader[0], quiet_hours=0.0001)
    settings = msgspec.structs.replace(settings, reader=(quick, *settings.reader[1:]))
    mcu = Mcu(settings.controller[0], settings, services(KEY, CardBits.WIEGAND_26, RealClock(), posted))
    mcu.start()
    try:
        until(lambda: (FaultCode.READER_QUIET, "gate") in faults.now(), "it is named")
        assert (FaultCode.READER_QUIET, "back") not in faults.now()
        device.do(f"serial 0 {RDM6300.hex()}")
        cleared = FaultCode.READER_QUIET
        until(lambda: any(isinstance(one, FaultCleared) and one.fault is cleared for one in posted.events))
        assert "Tapped" in posted.names()
    finally:
        mcu.stop()


def test_what_the_device_measures_of_its_cabinet_is_read(linked: Mcu, device: Device) -> None:
    kinds = SensorKind.TEMPERATURE, SensorKind.SUPPLY, SensorKind.DOOR
    for kind, value in zip(kinds, (2550, 12_050, 1), strict=True):
        device.do(f"sensor {kind.value} 0 {value}")
    expected = [
        TemperatureReading("mcu", 25.5, 0.0),
        SupplyReading("mcu", 12.05, 0.0),
        DoorReading("mcu", is_open=True, age_s=0.0),
    ]

    def measured() -> list[CabinetReading]:
        return [msgspec.structs.replace(reading, age_s=0.0) for reading in linked.cabinet.readings()]

    until(lambda: measured() == expected)
