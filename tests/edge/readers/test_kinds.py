"""A kind of reader is one file: a made-up one, put among the others, works everywhere at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cloud_sync.wire.cards import card_hash
from cloud_sync.wire.facts import Credential
from config.errors import InputError
from config.sorting import Category
from config.station import Language, StationSettings
from config.words import load_words
from edge.check.devices import CheckOptions, check_devices
from edge.check.finding import Level, line, load_texts
from edge.hardware.build import hardware_builder
from edge.loop.clocks import RealClock
from edge.loop.inbox import QueueInbox
from edge.messages import Tapped
from edge.readers import kinds
from edge.readers.kind import Transmission
from edge.readers.registry import find_kinds, kind_of, wiring_table
from edge.sim.photos.thrown import PhotoSource
from edge.station_file import load_station
from models.pixels import encode_jpeg
from tests.edge.sim.playing import Game
from tests.firmware_bridge.wire import Wire
from tests.waiting import tried

CHECKOUT = Path(__file__).resolve().parents[3]
KEY = bytes(range(32))
TAP_AGAIN_S = 0.5
NUMBER = "62e3086ced"
MADE_UP = '''
"""A reader that nobody makes: it sends a fob's number as text, a line each."""

from __future__ import annotations

from typing import Literal

from cloud_sync.wire.facts import Credential
from config.errors import Problem
from config.wiring import ReaderSection, ReaderWiring
from config.words import Both
from edge.readers.kind import ReaderKind, Transmission
from edge.readers.serial import SerialReader


class LineSection(ReaderSection, frozen=True, kw_only=True, tag="line"):
    port: str | None = None
    baud: Literal[9600, 19200] = 9600

    @property
    def wiring(self) -> ReaderWiring:
        return ReaderWiring(port=self.port)

    def problems(self) -> list[Problem]:
        return [] if self.port else [("port: a line reader needs its serial port", "add port")]


class LineDecoder:
    frame_bytes = 11
    again_s = 0.0

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        *whole, self._rest = (self._rest + data).split(b"\\n")
        return [one.decode("ascii") for one in whole if len(one) == 10]


def _drive(section, services):
    return SerialReader(section, section.port, section.baud, KIND.credential, LineDecoder, services)


KIND = ReaderKind(
    section=LineSection,
    title=Both("行读卡器", "line reader"),
    wired_to="`port`",
    tells="40 bits",
    unread_mend=Both("看一看。", "Look at it."),
    credential=Credential.EM4100,
    is_clonable=True,
    drive=_drive,
    attach=None,
    transmit=lambda section, number: Transmission(number.encode() + b"\\n"),
)
'''
TOML = """
[station]
community = "lane-9"
name = "gate"
devices = "{devices}"
state_dir = "state"
runtime_dir = "run"

[[reader]]
id = "gate"
kind = "line"
port = "{port}"

[[bin]]
id = "kitchen"
category = "kitchen"
reader = "gate"
[bin.lid]
kind = "h_bridge"
open_pin = 17
close_pin = 27
opened_switch = 22
closed_switch = 23
"""


@pytest.fixture
def _made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the made-up kind's one file among the others."""
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "made_up_line.py").write_text(MADE_UP, encoding="utf-8")
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(folder)])
    yield
    monkeypatch.undo()
    assert "line" not in find_kinds()


def station(folder: Path, devices: str, port: str = "/dev/ttyUSB0", more: str = "") -> StationSettings:
    text = TOML.format(devices=devices, port=port).replace("[[bin]]", f"{more}\n[[bin]]", 1)
    file = folder / "station.toml"
    file.write_text(text, encoding="utf-8")
    return load_station(file)


@pytest.mark.usefixtures("_made_up")
def test_its_table_is_accepted_and_its_mistakes_are_named_as_any_others(tmp_path: Path) -> None:
    section = station(tmp_path, "real", more="baud = 19200").reader[0]
    assert (section.kind, section.wiring.port) == ("line", "/dev/ttyUSB0")
    for more, complaint in (
        ("baud = 1200", "reader[0].baud: invalid enum value 1200, found 1200; mend the value"),
        ("bawd = 9600", "unknown key reader[0].bawd; did you mean baud?"),
    ):
        with pytest.raises(InputError) as caught:
            station(tmp_path, "real", more=more)
        assert str(caught.value).endswith(complaint)
    with pytest.raises(InputError) as caught:
        station(tmp_path, "real", port="")
    assert str(caught.value).endswith("reader[0].port: a line reader needs its serial port; add port")


@pytest.mark.usefixtures("_made_up")
def test_it_is_opened_and_a_card_held_to_it_is_a_tap(tmp_path: Path) -> None:
    wire = Wire(tmp_path / "port")
    wire.plug_in()
    settings = station(tmp_path, "real", wire.path)
    inbox = QueueInbox()
    hardware = hardware_builder(settings, KEY, lambda: pytest.fail("no pin is wired"))(inbox, RealClock())
    sent = kind_of(settings.reader[0]).transmit(settings.reader[0], NUMBER)
    assert isinstance(sent, Transmission)
    assert isinstance(sent.payload, bytes)
    taps: list[Tapped] = []

    def look() -> bool:
        taken = inbox.take(0.05)
        if taken is not None and isinstance(taken[0], Tapped):
            taps.append(taken[0])
        return bool(taps)

    hardware.start()
    try:
        payload = sent.payload
        tried(lambda: wire.send(payload), look, "its card is a tap", TAP_AGAIN_S)
    finally:
        hardware.stop()
        wire.unplug()
    assert (taps[0].reader, taps[0].card) == ("gate", card_hash(KEY, Credential.EM4100, NUMBER))


@pytest.mark.usefixtures("_made_up")
def test_the_check_names_its_kind_and_gives_its_own_mend(tmp_path: Path) -> None:
    wire = Wire(tmp_path / "port")
    wire.plug_in()
    settings = station(tmp_path, "real", wire.path)
    build = hardware_builder(settings, KEY, lambda: pytest.fail("no pin is wired"))
    texts = load_texts()
    for wanted, level, english in (
        (CheckOptions(listen_s=0.5), Level.OK, "line reader: its port is open"),
        (CheckOptions(listen_s=0.1, taps_s=0.1), Level.FAILED, "line reader: it read no card"),
    ):
        found = check_devices(settings, build, RealClock(), wanted, load_words())
        (finding,) = (one for one in found if one.part == "reader")
        assert finding.level is level
        assert line(finding, texts, Language.ENGLISH).seen.startswith(english)
    assert line(finding, texts, Language.ENGLISH).mend == "Look at it."
    assert line(finding, texts, Language.CHINESE).mend == "看一看。"
    wire.unplug()


@pytest.mark.usefixtures("_made_up")
def test_people_of_a_simulated_station_are_let_in_by_it(tmp_path: Path) -> None:
    picture = tmp_path / "thing.jpg"
    picture.write_bytes(encode_jpeg(np.zeros((12, 16, 3), np.uint8)))
    photos = PhotoSource({category: [picture] for category in Category})
    game = Game(station(tmp_path, "simulated"), photos, seed=1, visits=3)
    game.play()
    assert game.world.let_in == 3
    assert {tap.credential for tap in game.station.taps} == {Credential.EM4100}


@pytest.mark.usefixtures("_made_up")
def test_it_is_in_the_table_of_the_wiring_page() -> None:
    assert "| `line` | line reader | `port` | 40 bits | yes |\n" in wiring_table()


def test_the_wiring_page_has_the_kinds_that_there_are() -> None:
    page = (CHECKOUT / "docs/wiring.md").read_text(encoding="utf-8")
    _, _, rest = page.partition("<!-- kinds of readers -->\n")
    assert rest.partition("<!-- end of kinds -->")[0] == wiring_table()


def test_a_file_without_a_kind_and_a_second_kind_of_one_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made_up_empty.py").write_text("", encoding="utf-8")
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])
    with pytest.raises(TypeError, match="made_up_empty has no KIND"):
        find_kinds()
    (tmp_path / "made_up_empty.py").unlink()
    (tmp_path / "made_up_twin.py").write_text("from edge.readers.kinds.rdm6300 import KIND\n")
    with pytest.raises(ValueError, match="two kinds of readers are called rdm6300"):
        find_kinds()
