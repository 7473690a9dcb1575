"""A real station from its station.toml: real drivers, journal and model over a pty, mock pins and a feed."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from cloud_sync.wire.cards import card_hash
from cloud_sync.wire.facts import Credential, VisitFacts
from config.errors import InputError
from config.station import StationSettings
from config.wiring import HBridgeLid, PanicSection
from edge.eye.camera import VideoDevice
from edge.eye.process import keep_eye
from edge.faults import FaultCode
from edge.hardware.build import hardware_builder
from edge.hardware.hardware import BuildHardware
from edge.hardware.pins import Contact, Factory
from edge.journal.schema import JOURNAL_FILE
from edge.lids.driven import guard_on_a_thread
from edge.lids.process import keep_lids
from edge.loop.clocks import RealClock, boot_id
from edge.loop.inbox import QueueInbox
from edge.loop.workers import ThreadWorkers
from edge.main import Composition, Surroundings, compose
from edge.messages import FaultRaised
from edge.part_kinds import STATION
from edge.ports import CameraError
from edge.readers.last_seen import read_last_seen
from edge.screen.state import STATE_FILE
from edge.station_file import load_station
from tests.edge.eye.feed import Feed
from tests.edge.eye.scene import Scene
from tests.edge.hardware.board import MockBoard, MovingLid, both_ever_high, motor
from tests.firmware_bridge.wire import Wire
from tests.station.conftest import FRAME, TAP_AGAIN_S
from tests.station.manager import Readiness
from tests.waiting import WITHIN_S, tried, until

KEY = bytes(range(32))
TOML = """
[station]
community = "lane-9"
name = "gate"
devices = "real"
state_dir = "state"
runtime_dir = "run"

[visit]
lease_s = 5.0
travel_s = 1.5
linger_s = 0.1
held_card_s = 0.2

[[reader]]
id = "gate"
port = "{port}"

[[camera]]
id = "over"
source = "/dev/video0"

[[bin]]
id = "kitchen"
category = "kitchen"
reader = "gate"
camera = "over"
full_switch = 6
[bin.lid]
kind = "h_bridge"
open_pin = 17
close_pin = 27
opened_switch = 22
closed_switch = 23
obstruction = 24

[[bin]]
id = "other"
category = "other"
open_by = "button"
button = 5
[bin.lid]
kind = "h_bridge"
open_pin = 12
close_pin = 13
opened_switch = 16
closed_switch = 26
"""


@dataclass
class Place:
    """Where the station stands, and what stands around it."""

    settings: StationSettings
    wire: Wire
    board: MockBoard
    feed: Feed

    def open_camera(self, _: object) -> VideoDevice:
        return self.feed

    def build_hardware(self) -> BuildHardware:
        return hardware_builder(self.settings, KEY, lambda: self.board.factory)

    def compose(self) -> Composition:
        build_hardware = self.build_hardware()
        around = Surroundings(build_hardware, RealClock(), ThreadWorkers)
        return compose(self.settings, around)

    def visits(self) -> list[VisitFacts]:
        """What the journal has of visits."""
        with closing(sqlite3.connect(Path(self.settings.station.state_dir) / JOURNAL_FILE)) as journal:
            rows = journal.execute("select facts from visits").fetchall()
        return [msgspec.json.decode(row[0], type=VisitFacts) for row in rows]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    wire = Wire(tmp_path / "reader")
    wire.plug_in()
    config = tmp_path / "station.toml"
    config.write_text(TOML.format(port=wire.path))
    yield Place(load_station(config), wire, MockBoard(), Feed(Scene()))
    wire.unplug()


@pytest.fixture
def keeper(place: Place) -> Iterator[None]:
    """Keep the lids, on a thread instead of in a process of their own."""
    stops: list[Callable[[], None]] = []
    readiness = Readiness()
    arguments = (place.settings, lambda: place.board.factory, readiness, stops.append, guard_on_a_thread)
    thread = threading.Thread(target=keep_lids, args=arguments, name="keeper")
    thread.start()
    assert readiness.came.wait(WITHIN_S)
    for shut in (23, 26):
        place.board.contact(shut, closed=True)
    yield
    for shut in (23, 26):
        place.board.contact(shut, closed=True)
    stops[0]()
    thread.join(WITHIN_S)


@contextmanager
def eye(place: Place) -> Iterator[None]:
    """Have an eye look, on a thread instead of in a process of its own."""
    stops: list[Callable[[], None]] = []
    readiness = Readiness()
    arguments = (place.settings, readiness, stops.append, place.open_camera)
    thread = threading.Thread(target=keep_eye, args=arguments, name="eye")
    thread.start()
    assert readiness.came.wait(WITHIN_S)
    yield
    stops[0]()
    thread.join(WITHIN_S)


@pytest.fixture
def running(place: Place, keeper: None) -> Iterator[Composition]:
    """Give a station at work."""
    del keeper
    before = set(threading.enumerate())
    with eye(place):
        composition = place.compose()
        loop = threading.Thread(target=composition.run, name="station")
        loop.start()
        seen = Path(place.settings.station.runtime_dir) / STATE_FILE
        until(lambda: seen.exists() and not composition.station.state.faults, "lids and eye answer")
        yield composition
        composition.station.stop()
        loop.join(WITHIN_S)
    until(lambda: set(threading.enumerate()) <= before, "no thread outlives the station")


def hold_card(place: Place, wires: HBridgeLid) -> None:
    """Tap a card, with pauses, until the lid's motor turns: the station may have no lids yet."""

    def opens() -> bool:
        return motor(place.board, wires) == (True, False)

    tried(lambda: place.wire.send(2 * FRAME), opens, "the lid opens for a card", TAP_AGAIN_S)


def test_a_real_visit_goes_from_a_cards_bytes_to_the_journal(place: Place, running: Composition) -> None:
    wires = wires_of(place, "kitchen")
    with MovingLid(place.board, 0.2, wires) as lid:
        hold_card(place, wires)
        until(lambda: lid.place == 1)
        looked = place.feed.retrieved
        until(lambda: place.feed.retrieved > looked + 10)
        place.feed.scene.put((0.3, 0.3, 0.6, 0.6), (60, 220, 230))
        until(place.visits)
    (visit,) = place.visits()
    assert visit.card == card_hash(KEY, Credential.EM4100, "62e3086ced")
    assert [(opening.bin, opening.closed_s is not None) for opening in visit.openings] == [("kitchen", True)]
    (deposit,) = visit.deposits
    assert deposit.bin == "kitchen"
    assert deposit.verdict is not None, "the camera's photos reached the model"
    assert running.station.state.faults == frozenset()
    assert set(read_last_seen(Path(place.settings.station.runtime_dir), boot_id())) == {"gate"}


def test_a_press_after_a_tap_opens_the_bin_with_the_button(place: Place, running: Composition) -> None:
    kitchen, other = wires_of(place, "kitchen"), wires_of(place, "other")
    with MovingLid(place.board, 0.2, kitchen) as first, MovingLid(place.board, 0.2, other) as second:
        hold_card(place, kitchen)
        until(lambda: first.place == 1)
        place.board.contact(5, closed=True)
        until(lambda: second.place == 1)
    assert running.station.state.faults == frozenset()


def test_a_station_that_stops_shuts_its_lids(place: Place, running: Composition) -> None:
    wires = wires_of(place, "kitchen")
    with MovingLid(place.board, 0.2, wires) as lid:
        hold_card(place, wires)
        until(lambda: lid.place == 1)
        running.station.stop()
        until(lambda: lid.place == 0)
    assert not both_ever_high(place.board, wires)


def test_a_rim_that_never_started_can_be_stopped(place: Place) -> None:
    hardware = place.build_hardware()(QueueInbox(), RealClock())
    hardware.lids["kitchen"].open(8)
    hardware.stop()
    hardware.stop()
    assert place.board.outputs == []


def test_a_pin_that_is_taken_is_named_and_every_other_one_given_back(place: Place) -> None:
    taken = Contact(6, lambda: None, place.board.factory)
    with pytest.raises(InputError, match="pin 6"):
        place.build_hardware()(QueueInbox(), RealClock())
    taken.close()
    place.build_hardware()(QueueInbox(), RealClock()).stop()


def test_a_station_whose_pins_are_all_its_keepers_asks_for_none(place: Place) -> None:
    bins = tuple(msgspec.structs.replace(bin_, button=None, full_switch=None) for bin_ in place.settings.bin)
    settings = msgspec.structs.replace(place.settings, bin=bins)

    def no_pins() -> Factory:
        raise AssertionError("a pin was asked for")

    hardware_builder(settings, KEY, no_pins)(QueueInbox(), RealClock()).stop()


def test_a_bin_without_a_camera_has_no_photo(place: Place) -> None:
    hardware = place.build_hardware()(QueueInbox(), RealClock())
    with pytest.raises(CameraError, match="no camera looks at bin other"):
        hardware.camera.take("other")
    hardware.stop()


def wires_of(place: Place, bin_id: str) -> HBridgeLid:
    (wires,) = [bin_.lid for bin_ in place.settings.bin if bin_.id == bin_id]
    assert isinstance(wires, HBridgeLid)
    return wires


def test_a_panic_button_on_the_pi_is_the_stations_emergency(place: Place) -> None:
    place.settings = msgspec.structs.replace(place.settings, panic=PanicSection(pin=7))
    inbox = QueueInbox()
    hardware = place.build_hardware()(inbox, RealClock())
    hardware.start()
    found = []

    def is_raised() -> bool:
        taken = inbox.take(0.05)
        if taken is not None and isinstance(taken[0], FaultRaised):
            found.append((taken[0].fault, taken[0].part))
        return (FaultCode.PANIC, STATION) in found

    try:
        until(is_raised)  # nothing is wired to the pin: a broken wire
    finally:
        hardware.stop()
