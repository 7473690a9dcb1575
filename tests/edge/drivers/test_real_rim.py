"""A real station from its station.toml: real drivers, journal and model over a pty, mock pins and a feed."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from cloud_sync.cards import card_hash
from cloud_sync.facts import Credential, VisitFacts
from config.errors import InputError
from config.load_station import load_station
from config.station import StationSettings
from config.wiring import HBridgeLid
from edge.clocks import RealClock
from edge.drivers.camera import Capture
from edge.drivers.pins import Contact
from edge.drivers.real_rim import real_rim
from edge.inbox import QueueInbox
from edge.journal_tables import JOURNAL_FILE
from edge.main import Composition, Surroundings, compose
from edge.ports import CameraError
from edge.workers import ThreadWorkers
from tests.edge.drivers.board import MockBoard, MovingLid, both_ever_high, motor
from tests.edge.drivers.feed import Feed
from tests.edge.drivers.scene import Scene
from tests.firmware_bridge.wire import Wire
from tests.waiting import until

KEY = bytes(range(32))
FRAME = b"\x0262E3086CED08\x03"
TOML = """
[station]
community = "lane-9"
name = "gate"
devices = "real"
state_dir = "state"
runtime_dir = "run"

[visit]
lease_s = 2.5
travel_s = 0.3
linger_s = 0.1

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

    def open_camera(self, _: object) -> Capture:
        return self.feed

    def compose(self) -> Composition:
        make_rim = real_rim(self.settings, KEY, self.board.factory, self.open_camera)
        return compose(self.settings, Surroundings(make_rim, RealClock(), ThreadWorkers))

    def visits(self) -> list[VisitFacts]:
        """What the journal has of visits."""
        with sqlite3.connect(Path(self.settings.station.state_dir) / JOURNAL_FILE) as journal:
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
def running(place: Place) -> Iterator[Composition]:
    """Give a station at work."""
    before = set(threading.enumerate())
    composition = place.compose()
    loop = threading.Thread(target=composition.run, name="station")
    loop.start()
    yield composition
    composition.station.stop()
    loop.join(10)
    assert set(threading.enumerate()) <= before, "a thread outlived the station"


def hold_card(place: Place, wires: HBridgeLid) -> None:
    """Hold a card to the reader, which sends it again and again, until the lid's motor turns."""

    def opens() -> bool:
        place.wire.send(FRAME)
        return motor(place.board, wires) == (True, False)

    until(opens)


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


def test_a_press_after_a_tap_opens_the_bin_with_the_button(place: Place, running: Composition) -> None:
    kitchen, other = wires_of(place, "kitchen"), wires_of(place, "other")
    with MovingLid(place.board, 0.2, kitchen) as first, MovingLid(place.board, 0.2, other) as second:
        hold_card(place, kitchen)
        until(lambda: first.place == 1)
        place.board.contact(5, closed=True)
        until(lambda: second.place == 1)
    assert running.station.state.faults == frozenset()


def test_a_station_that_stops_halts_its_lids(place: Place, running: Composition) -> None:
    wires = wires_of(place, "kitchen")
    hold_card(place, wires)
    running.station.stop()
    until(lambda: motor(place.board, wires) == (False, False))
    assert not both_ever_high(place.board, wires)


def test_a_rim_that_never_started_can_be_stopped(place: Place) -> None:
    rim = real_rim(place.settings, KEY, place.board.factory, place.open_camera)(QueueInbox(), RealClock())
    rim.lids["kitchen"].open(8)
    rim.stop()
    rim.stop()
    assert all(not level for _, level in place.board.outputs)


def test_a_pin_that_is_taken_is_named_and_every_other_one_given_back(place: Place) -> None:
    taken = Contact(26, lambda: None, place.board.factory)
    make_rim = real_rim(place.settings, KEY, place.board.factory, place.open_camera)
    with pytest.raises(InputError, match="pin 26"):
        make_rim(QueueInbox(), RealClock())
    taken.close()
    make_rim(QueueInbox(), RealClock()).stop()


def test_a_bin_without_a_camera_has_no_photo(place: Place) -> None:
    rim = real_rim(place.settings, KEY, place.board.factory, place.open_camera)(QueueInbox(), RealClock())
    with pytest.raises(CameraError, match="no camera looks at bin other"):
        rim.camera.take("other")
    rim.stop()


def wires_of(place: Place, bin_id: str) -> HBridgeLid:
    (wires,) = [bin_.lid for bin_ in place.settings.bin if bin_.id == bin_id]
    assert isinstance(wires, HBridgeLid)
    return wires
