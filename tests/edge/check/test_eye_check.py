"""`station check` asks the eye for its cameras, and says what to do where there is none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from config.station import Language, StationSettings
from config.words import load_words
from edge.check.devices import CheckOptions, Observed, check_devices, judge
from edge.check.finding import Finding, Level, line, load_texts
from edge.eye.process import keep_eye
from edge.faults import FaultCode
from edge.hardware.build import hardware_builder
from edge.hardware.pins import Factory
from edge.loop.clocks import RealClock
from edge.station_file import load_station
from tests.edge.eye.feed import Feed
from tests.edge.eye.scene import Scene
from tests.station.manager import Readiness
from tests.waiting import WITHIN_S

TOML = """
[station]
community = "lane-9"
name = "gate"
devices = "real"
state_dir = "state"
runtime_dir = "run"
[[reader]]
id = "gate"
port = "reader"
[[camera]]
id = "over"
source = "/dev/video0"
[[controller]]
id = "mcu"
port = "mcu"
[[bin]]
id = "kitchen"
category = "kitchen"
open_by = "all"
camera = "over"
lid = { kind = "controller", controller = "mcu", number = 0 }
"""


def settings_in(folder: Path) -> StationSettings:
    file = folder / "station.toml"
    file.write_text(TOML, encoding="utf-8")
    return load_station(file)


def no_pins() -> Factory:
    raise AssertionError("no pin is wired")


def test_a_camera_is_judged_by_what_its_eye_sees(tmp_path: Path) -> None:
    settings, readiness, stops = settings_in(tmp_path), Readiness(), list[Callable[[], None]]()
    feed = Feed(Scene())
    eye = threading.Thread(target=keep_eye, args=(settings, readiness, stops.append, feed.open))
    eye.start()
    assert readiness.came.wait(WITHIN_S)
    build = hardware_builder(settings, bytes(32), no_pins)
    found = check_devices(settings, build, RealClock(), CheckOptions(listen_s=1.0), load_words())
    stops[0]()
    eye.join(WITHIN_S)
    levels = {one.part: (one.level, one.says) for one in found}
    assert levels["eye"] == (Level.OK, "eye_ok")
    assert levels["camera"] == (Level.OK, "camera_ok")


def test_without_an_eye_its_fault_is_named_and_nothing_said_of_cameras(tmp_path: Path) -> None:
    observed = Observed(faults={(FaultCode.EYE_LOST, "eye")})
    found = judge(settings_in(tmp_path), observed, CheckOptions(), load_words())
    (eye,) = [one for one in found if one.part == "eye"]
    assert eye.level is Level.FAILED
    assert "tongzhan-eye" in words_of(eye)
    assert [one for one in found if one.part == "camera"] == []


def words_of(finding: Finding) -> str:
    return line(finding, load_texts(), Language.ENGLISH).mend
