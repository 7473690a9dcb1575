"""Devices judged by their drivers' events: pure cases, and real drivers over mock pins and a pty."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from cloud_sync.wire.station_state import DoorReading, SupplyReading, TemperatureReading
from config.station import Language, StationSettings
from config.wiring import ControllerSection, HBridgeLid
from config.words import load_words
from edge.check.devices import CheckOptions, Observed, judge, when_heard
from edge.check.finding import Finding, Level, line, load_texts
from edge.check.system import check_buses, check_pins
from edge.faults import FaultCode
from edge.hardware.weight.scale import Reading
from edge.loop.clocks import RealClock, boot_id
from edge.readers.last_seen import LastSeenBook
from edge.station_file import load_station

WORDS = load_words()
AS_IT_STANDS = CheckOptions()
TOML = """
[station]
community = "lane-9"
name = "gate"
devices = "real"
state_dir = "state"
runtime_dir = "run"

[[reader]]
id = "gate"
port = "/dev/ttyUSB0"

[[camera]]
id = "over"
source = "/dev/video0"

[[bin]]
id = "kitchen"
category = "kitchen"
reader = "gate"
camera = "over"
[bin.lid]
kind = "h_bridge"
open_pin = 17
close_pin = 27
opened_switch = 22
closed_switch = 23
"""


@pytest.fixture
def settings(tmp_path: Path) -> StationSettings:
    path = tmp_path / "station.toml"
    path.write_text(TOML, encoding="utf-8")
    return load_station(path)


def found(
    settings: StationSettings, observed: Observed, wanted: CheckOptions = AS_IT_STANDS
) -> dict[str, Finding]:
    return {finding.part: finding for finding in judge(settings, observed, wanted, WORDS)}


def well() -> Observed:
    return Observed(closed={"kitchen"}, brightness={"kitchen": 90.0})


def test_a_working_station_has_a_line_for_each_device(settings: StationSettings) -> None:
    findings = found(settings, well())
    assert {part: each.level for part, each in findings.items()} == dict.fromkeys(
        ("reader", "lid", "eye", "camera"), Level.OK
    )


def test_silent_both_closed_and_open_limit_switches_have_different_findings(
    settings: StationSettings,
) -> None:
    for closed, opened, says in [
        (set(), set(), "lid_silent"),
        ({"kitchen"}, {"kitchen"}, "lid_both"),
        (set(), {"kitchen"}, "lid_open"),
    ]:
        assert found(settings, Observed(closed=closed, opened=opened))["lid"].says == says


@pytest.mark.parametrize(
    ("code", "part", "kind"),
    [
        (FaultCode.READER_FAILED, "gate", "reader"),
        (FaultCode.LID_STUCK_OPEN, "kitchen", "lid"),
        (FaultCode.CAMERA_FAILED, "over", "camera"),
        (FaultCode.EYE_LOST, "eye", "eye"),
    ],
)
def test_a_fault_is_shown_once_at_its_part_in_the_catalogues_words(
    settings: StationSettings, code: FaultCode, part: str, kind: str
) -> None:
    observed = well()
    observed.faults.add((code, part))
    findings = [each for each in judge(settings, observed, CheckOptions(), WORDS) if each.which == part]
    assert [(each.part, each.level, each.fault) for each in findings] == [
        (kind, Level.FAILED, WORDS.fault[code])
    ]


def test_a_reader_and_a_bin_of_the_same_name_have_separate_lines(settings: StationSettings) -> None:
    reader = msgspec.structs.replace(settings.reader[0], id="kitchen")
    bin_ = msgspec.structs.replace(settings.bin[0], reader="kitchen")
    alike = msgspec.structs.replace(settings, reader=(reader,), bin=(bin_,))
    observed = well()
    observed.faults.add((FaultCode.READER_FAILED, "kitchen"))
    assert found(alike, observed)["reader"].fault == WORDS.fault["reader_failed"]
    assert (found(alike, observed)["lid"].level, found(alike, observed)["lid"].says) == (
        Level.OK,
        "lid_shut",
    )
    observed.faults |= {(FaultCode.LID_STUCK_OPEN, "kitchen"), (FaultCode.PORT_BUSY, "kitchen")}
    assert found(alike, observed)["reader"].fault == WORDS.fault["reader_failed"]
    assert found(alike, observed)["lid"].fault == WORDS.fault["lid_stuck_open"]
    observed.faults.discard((FaultCode.READER_FAILED, "kitchen"))
    assert found(alike, observed)["reader"].fault == WORDS.fault["port_busy"]


def test_a_fault_of_no_device_has_a_line_of_its_own(settings: StationSettings) -> None:
    observed = well()
    observed.faults.add((FaultCode.JOURNAL_FAILED, "journal"))
    assert found(settings, observed)["devices"].fault == WORDS.fault["journal_failed"]


def test_a_warning_is_doubtful_and_shows_when_the_reader_last_sent_data(settings: StationSettings) -> None:
    observed = well()
    observed.faults.add((FaultCode.READER_QUIET, "gate"))
    assert found(settings, observed)["reader"].level is Level.DOUBTFUL
    observed.heard["gate"] = "2026-05-01 07:30"
    said = line(found(settings, observed)["reader"], load_texts(), Language.ENGLISH)
    assert said.seen.endswith("It last sent data at 2026-05-01 07:30.")
    assert said.mend == WORDS.fault["reader_quiet"].mend.en


def test_a_parts_line_shows_its_most_severe_fault(settings: StationSettings) -> None:
    observed = well()
    observed.faults |= {(FaultCode.READER_QUIET, "gate"), (FaultCode.READER_FAILED, "gate")}
    assert found(settings, observed)["reader"].fault == WORDS.fault["reader_failed"]


def test_a_working_reader_shows_when_it_last_sent_data(settings: StationSettings, tmp_path: Path) -> None:
    assert found(settings, well())["reader"].says == "reader_ok"
    clock = RealClock()
    (tmp_path / "run").mkdir()
    LastSeenBook(tmp_path / "run", boot_id(), clock).note("gate")
    observed = well()
    observed.heard = when_heard(settings, clock)
    reader = found(settings, observed)["reader"]
    assert (reader.level, reader.says) == (Level.OK, "reader_heard")
    zone = ZoneInfo(settings.station.timezone)
    heard = datetime.strptime(reader.values["heard"], "%Y-%m-%d %H:%M").replace(tzinfo=zone)
    assert abs((datetime.now().astimezone() - heard).total_seconds()) < 3600


def test_a_dark_picture_is_doubtful_and_no_picture_fails(settings: StationSettings) -> None:
    dark = well()
    dark.brightness["kitchen"] = 3.0
    assert found(settings, dark)["camera"].says == "camera_dark"
    blind = well()
    blind.brightness.clear()
    assert found(settings, blind)["camera"].level is Level.FAILED


def test_a_reader_that_was_asked_for_a_card_must_have_read_one(settings: StationSettings) -> None:
    wanted = CheckOptions(taps_s=5)
    assert found(settings, well(), wanted)["reader"].says == "reader_unread"
    tapped = well()
    tapped.tapped.add("gate")
    assert found(settings, tapped, wanted)["reader"].says == "reader_read"


def test_pins_that_a_killed_program_keeps_are_doubtful(settings: StationSettings, tmp_path: Path) -> None:
    boot = tmp_path / "config.txt"
    assert check_pins(settings, boot) == []
    boot.write_text("arm_64bit=1\n", encoding="utf-8")
    assert [each.says for each in check_pins(settings, boot)] == ["pins_kept"]
    boot.write_text("arm_64bit=1\ndtparam=strict_gpiod\n", encoding="utf-8")
    assert [each.level for each in check_pins(settings, boot)] == [Level.OK]


def test_wires_on_the_pins_of_a_bus_that_the_kernel_uses_are_named(
    settings: StationSettings, tmp_path: Path
) -> None:
    (tmp_path / "spidev0.0").touch()
    assert check_buses(settings, tmp_path) == []
    lid = settings.bin[0].lid
    assert isinstance(lid, HBridgeLid)
    first = msgspec.structs.replace(settings.bin[0], lid=msgspec.structs.replace(lid, open_pin=10))
    moved = msgspec.structs.replace(settings, bin=(first, *settings.bin[1:]))
    (finding,) = check_buses(moved, tmp_path)
    assert (finding.level, finding.says) == (Level.FAILED, "pins_of_a_bus")
    assert "bin[0].lid.open_pin = 10" in finding.values["keys"]


def test_a_lid_that_was_asked_to_move_must_have_moved(settings: StationSettings) -> None:
    wanted = replace(CheckOptions(), move=True)
    assert found(settings, well(), wanted)["lid"].says == "lid_stands"
    moved = well()
    moved.moved["kitchen"] = True
    assert found(settings, moved, wanted)["lid"].says == "lid_moved"


SCALE = '\n[[controller]]\nid = "mcu"\nport = "/dev/ttyUSB9"\n'
AT_SCALE = '\nscale = { controller = "mcu", number = 0, counts_per_g = 10.5 }\n[bin.lid]'


def test_a_scale_shows_its_reading_and_its_fault_is_not_mistaken_for_the_lids(
    settings: StationSettings, tmp_path: Path
) -> None:
    (tmp_path / "station.toml").write_text(TOML.replace("\n[bin.lid]", AT_SCALE) + SCALE, encoding="utf-8")
    weighed = load_station(tmp_path / "station.toml")
    assert found(weighed, well())["scale"].level is Level.FAILED
    reading = well()
    reading.weights = {"kitchen": Reading(42_000, 4000)}
    said = line(found(weighed, reading)["scale"], load_texts(), Language.ENGLISH)
    assert (said.state, said.seen) == (Level.OK, "It reads 42000 counts, 4000 g by its factor.")
    reading.faults.add((FaultCode.SCALE_STUCK, "kitchen"))
    findings = found(weighed, reading)
    assert findings["scale"].fault == WORDS.fault["scale_stuck"]
    assert findings["lid"].level is Level.OK
    assert "scale" not in found(settings, well())
    held = well()
    held.weights = None
    assert found(weighed, held)["scale"].says == "scale_at_work"


def test_a_controller_shows_the_readings_of_its_cabinet(settings: StationSettings) -> None:
    section = ControllerSection(id="mcu", port="/dev/mcu")
    settings = msgspec.structs.replace(settings, controller=(section,))
    observed = well()
    assert found(settings, observed)["controller"].says == "controller_ok"
    observed.cabinets = (
        TemperatureReading("mcu", 25.5, 0.0),
        SupplyReading("mcu", 12.05, 0.0),
        DoorReading("mcu", is_open=False, age_s=0.0),
        DoorReading("another", is_open=True, age_s=0.0),
    )
    finding = found(settings, observed)["controller"]
    assert line(finding, load_texts(), Language.ENGLISH).seen.endswith("25.5 °C, supply 12.1 V, door shut.")
    assert line(finding, load_texts(), Language.CHINESE).seen.endswith("25.5 °C，供电 12.1 V，门关着。")
