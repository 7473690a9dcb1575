"""A controller's port, a wire and the twin, each on its own thread or process, over real ptys."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from firmware_bridge.controller import Controller, ControllerEvent, PortFound, PortLost
from firmware_bridge.decoders import rdm6300, wiegand
from firmware_bridge.link import codec, frame
from firmware_bridge.link.codec import decode
from firmware_bridge.link.events import Down, DownReason, Received, Up, VersionRefused, WrongDevice
from firmware_bridge.link.frame import Frame, FrameDecoder
from firmware_bridge.link.messages import (
    EndLease,
    Hello,
    LidState,
    Message,
    OpenLid,
    Position,
    SerialBytes,
    SetLid,
    Welcome,
    WiegandBits,
)
from firmware_bridge.wrong_device import OtherDevice
from tests.firmware_bridge.conformance.device import Device, twin
from tests.firmware_bridge.damage import WIRES, wire
from tests.firmware_bridge.relay import Relay
from tests.firmware_bridge.wire import Wire
from tests.waiting import tried, until

TAP_AGAIN_S = 2.0


def card(number: int) -> str:
    """A card's bits in Wiegand 26."""
    bits = f"{number:024b}"
    return f"{bits[:12].count('1') % 2}{bits}{1 - bits[12:].count('1') % 2}"


class Station:
    """A controller and its events."""

    def __init__(self, path: str) -> None:
        self.events: list[ControllerEvent] = []
        ids = count(random.randrange(1, 2**31))
        self.controller = Controller(path, self._happened, time.monotonic, lambda: next(ids))
        self.controller.start()

    def _happened(self, event: ControllerEvent) -> None:
        self.events.append(event)
        if isinstance(event, Up):
            self.controller.ask(SetLid(0, 300, 200))

    def ups(self) -> int:
        return sum(isinstance(event, Up) for event in self.events)

    def cards(self) -> list[str]:
        taps = [event.report for event in self.events if isinstance(event, Received)]
        return [wiegand.decode(tap.bits) for tap in taps if isinstance(tap, WiegandBits)]

    def position(self) -> Position | None:
        states = [event.report for event in self.events if isinstance(event, Received)]
        return next(
            (one.position for one in reversed(states) if isinstance(one, LidState) and one.lid == 0), None
        )


@contextmanager
def station_at(path: str) -> Iterator[Station]:
    station = Station(path)
    try:
        yield station
    finally:
        station.controller.stop()


@pytest.fixture(name="twin")
def twin_of_two_lids() -> Iterator[Device]:
    with twin("--lids", "2") as device:
        yield device


@pytest.fixture(params=WIRES)
def station(request: pytest.FixtureRequest, twin: Device) -> Iterator[Station]:
    relay = Relay(twin.path, wire(request.param, 1), wire(request.param, 2))
    with station_at(relay.path) as station:
        yield station
    relay.close()


def opened(station: Station, twin: Device) -> None:
    """Repeat the request until the lid is open, as a visit renews its lease."""

    def is_open() -> bool:
        station.controller.ask(OpenLid(0, 8000))
        return station.position() is Position.OPEN and twin.lid(0) == (1000, "off")

    until(is_open, "the lid to open", 60)


def test_lids_obey_and_cards_come_once_and_in_order_over_any_wire(station: Station, twin: Device) -> None:
    """Check that a broken link drops only waiting cards: a person who is not let in taps again."""
    until(station.ups, "the link", 60)
    expected = [f"{number:06x}" for number in range(8)]
    taps = dict.fromkeys(expected, 0)
    for number, name in enumerate(expected):

        def tap(number: int = number, name: str = name) -> None:
            taps[name] += 1
            twin.do(f"wiegand {number % 2} {card(number)}")

        tried(tap, lambda name=name: name in station.cards(), f"card {name}", TAP_AGAIN_S)  # type: ignore[misc]
        if number % 4 == 0:
            opened(station, twin)
        elif number % 4 == 2:
            station.controller.ask(EndLease(0))
    until(lambda: station.ups() > 1 or Counter(station.cards()) == Counter(taps), "every tap, while linked")
    assert list(dict.fromkeys(station.cards())) == expected
    assert Counter(station.cards()) <= Counter(taps), "one tap was told twice"
    station.controller.stop()
    until(lambda: twin.lid(0) == (0, "off"), "the lid to shut without its host", 60)


def test_a_device_that_restarts_in_the_middle_is_linked_again_over_any_wire(
    station: Station, twin: Device
) -> None:
    until(station.ups, "the link", 60)
    opened(station, twin)
    ups = station.ups()
    twin.do("reboot")
    until(lambda: station.ups() > ups, "another link", 60)
    before = len(station.cards())

    def is_told() -> bool:
        twin.do(f"wiegand 0 {card(77)}")
        return len(station.cards()) > before

    until(is_told, "a card", 60)
    opened(station, twin)
    assert any(isinstance(event, Down) for event in station.events)


def test_requests_reach_the_device_without_waiting_for_the_ports_thread(twin: Device) -> None:
    with station_at(twin.path) as station:
        until(station.ups)
        opened(station, twin)
        assert [event for event in station.events if isinstance(event, PortLost | Down)] == []
        assert isinstance(station.events[0], PortFound)


def test_a_fob_is_one_card_straight_from_its_reader_and_through_the_microcontroller(twin: Device) -> None:
    fob = b"\x02100086F44426\x03"  # 0008844356 is printed on it (Hobby Components' forum)
    with station_at(twin.path) as station:
        until(station.ups)
        for cut in range(1, len(fob)):
            twin.do(f"serial 0 {fob[:cut].hex()}")
            twin.do(f"serial 0 {fob[cut:].hex()}")

        def through_wire() -> list[str]:
            told = [event.report for event in station.events if isinstance(event, Received)]
            pieces = [one.data for one in told if isinstance(one, SerialBytes)]
            return rdm6300.Rdm6300Decoder().feed(b"".join(pieces))

        until(lambda: len(through_wire()) == len(fob) - 1)
        assert set(through_wire()) == set(rdm6300.Rdm6300Decoder().feed(fob)) == {"100086f444"}


def test_two_daemons_on_one_port_are_told_apart(twin: Device) -> None:
    with station_at(twin.path) as first:
        until(first.ups)
        with station_at(twin.path) as second:
            until(lambda: second.events)
            assert second.events[0] == PortLost("another program uses it; stop that program")
            assert not second.controller.is_up
            opened(first, twin)


def test_an_unplugged_device_is_reported_and_linked_again(tmp_path: Path) -> None:
    plug = Wire(tmp_path / "controller")
    plug.plug_in()
    with station_at(plug.path) as station:
        until(lambda: station.events == [PortFound()] or len(station.events) > 1)
        plug.unplug()
        until(lambda: any(isinstance(event, PortLost) for event in station.events))
        assert Down(DownReason.PORT_LOST) in station.events or Down(DownReason.SILENT) in station.events
        with twin() as device:
            (tmp_path / "controller").symlink_to(device.path)
            until(station.ups)


def spoken(message: Message) -> bytes:
    code, body = codec.encode(message)
    return frame.encode(Frame(code, 0, body))


@pytest.mark.parametrize(
    ("says", "other_device"),
    [(b"\x0262E3086CED08\x03", OtherDevice.CARD_READER), (b"\r\nRING\r\n" * 20, OtherDevice.NOISE)],
)
def test_another_device_on_the_port_is_named(tmp_path: Path, says: bytes, other_device: OtherDevice) -> None:
    port = Wire(tmp_path / "controller")
    port.plug_in()
    with station_at(port.path) as station:
        until(port.heard, "HELLO")
        port.send(says)
        until(lambda: WrongDevice(other_device) in station.events)
    port.unplug()


def test_a_modem_that_echoes_is_named(tmp_path: Path) -> None:
    port = Wire(tmp_path / "controller")
    port.plug_in()
    with station_at(port.path) as station:

        def echo() -> bool:
            port.send(port.heard() or b"\0")
            return WrongDevice(OtherDevice.ECHO) in station.events

        until(echo)
    port.unplug()


def test_a_device_of_another_version_is_named_and_linked_when_it_has_ours(tmp_path: Path) -> None:
    port = Wire(tmp_path / "controller")
    port.plug_in()
    with station_at(port.path) as station:

        def answer(version: int) -> None:
            for one in FrameDecoder().feed(port.heard()):
                if isinstance(hello := decode(one.type, one.body), Hello):
                    port.send(spoken(Welcome(version, 2, hello.link, 7, 1, 0, 0, 0, 4, (2, 0, 0))))

        def is_refused() -> bool:
            answer(0)
            return VersionRefused(1, 1, 2) in station.events

        def is_up() -> bool:
            answer(1)
            return station.ups() > 0

        until(is_refused)
        until(is_up)
    port.unplug()


def test_garbage_costs_no_memory_and_no_thread(twin: Device) -> None:
    relay = Relay(twin.path, wire("perfect", 0), wire("perfect", 0))
    with station_at(relay.path) as station:
        until(station.ups)
        chance = random.Random(3)
        for _ in range(200):
            relay.inject(chance.randbytes(500))
        relay.inject(b"\0")
        opened(station, twin)
    relay.close()
