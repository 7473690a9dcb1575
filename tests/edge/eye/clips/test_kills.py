"""An eye that is killed at any moment leaves no picture on the disk that shows more than it may."""

from __future__ import annotations

import io
import itertools
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest

from edge.eye.protocol import (
    Answer,
    JudgePhotos,
    KeepClip,
    PhotoShown,
    PhotosReady,
    ShowPhoto,
    TakePhotos,
    VerdictReady,
    WatchBin,
    eye_report_in,
    packed,
)
from edge.station_file import load_station
from models.pixels import Rgb, decode_jpeg, encode_jpeg
from tests.edge.eye.clips.filming_eye import TRAY, scene
from tests.station.conftest import CHECKOUT
from tests.waiting import COMMAND_WITHIN_S, WITHIN_S, until

TOML = f"""
[station]
community = "lane"
name = "gate"
devices = "real"
state_dir = "state"
runtime_dir = "run"
[[camera]]
id = "over"
width = 320
height = 240
[[reader]]
id = "gate"
port = "/dev/null"
[[bin]]
id = "kitchen"
category = "kitchen"
reader = "gate"
camera = "over"
tray = {[list(corner) for corner in TRAY]}
[bin.lid]
kind = "h_bridge"
open_pin = 17
close_pin = 27
opened_switch = 22
closed_switch = 23
obstruction = 24
"""
RAW = bytes((255, 0, 255)) * 8
"""Eight pixels of what stands around the tray, in either order of the colours."""


class FilmingEye:
    """A running eye, and the station's end of its socket."""

    def __init__(self, config: Path) -> None:
        settings = load_station(config).station
        self._path = Path(settings.runtime_dir) / "eye.sock"
        self._path.unlink(missing_ok=True)
        command = [sys.executable, "-m", "tests.edge.eye.clips.filming_eye", str(config)]
        self.process = subprocess.Popen(command, cwd=CHECKOUT)
        until(self._path.exists, "the eye listens", COMMAND_WITHIN_S)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(COMMAND_WITHIN_S)
        until(self._connects, "the eye takes a station", COMMAND_WITHIN_S)
        self._numbers = itertools.count(1)

    def _connects(self) -> bool:
        try:
            self._socket.connect(str(self._path))
        except OSError:
            return False
        return True

    def _answer(self, number: int) -> Answer:
        while True:
            report = eye_report_in(self._socket.recv(4096))
            if isinstance(report, Answer) and report.request == number:
                return report

    def film(self, visit_at: float) -> None:
        """Have a deposit photographed, judged, shown, and its clip kept."""
        self._socket.send(packed(WatchBin("kitchen", is_open=True)))
        taken, judged, shown = (next(self._numbers) for _ in range(3))
        by = time.monotonic() + COMMAND_WITHIN_S
        self._socket.send(packed(TakePhotos(taken, "kitchen", by)))
        assert isinstance(self._answer(taken), PhotosReady)
        self._socket.send(packed(JudgePhotos(judged, taken, by)))
        assert isinstance(self._answer(judged), VerdictReady)
        self._socket.send(packed(ShowPhoto(shown, taken, by)))
        assert isinstance(self._answer(shown), PhotoShown)
        at = time.monotonic() - 1.9  # its seconds after are over soon
        keep = KeepClip("boot", visit_at, 1, "kitchen", at, consents=True, has_alarm=True, photos=taken)
        self._socket.send(packed(keep))

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(WITHIN_S)
        self._socket.close()


def pictures_in(content: bytes) -> Iterator[Rgb]:
    """Give every picture that any part of a file can be read as."""
    at = content.find(b"\xff\xd8\xff")
    while at >= 0:
        picture = decode_jpeg(content[at:])
        if picture is not None:
            yield picture
        at = content.find(b"\xff\xd8\xff", at + 1)
    if content[4:8] == b"ftyp":
        with av.open(io.BytesIO(content), "r") as container:
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format="rgb24").astype(np.uint8)


def is_magenta(picture: Rgb) -> bool:
    """Return whether a picture shows anything of what stands around the tray."""
    red, green, blue = (picture[:, :, channel].astype(int) for channel in range(3))
    return bool(((red > green + 60) & (blue > green + 60)).any())


def must_be_masked(folder: Path) -> int:
    """Search every file; give how many pictures were looked at."""
    count = 0
    for file in folder.rglob("*"):
        if not file.is_file():
            continue
        content = file.read_bytes()
        assert RAW not in content, f"{file} holds raw pixels"
        for picture in pictures_in(content):
            count += 1
            assert not is_magenta(picture), f"{file} shows what is outside the tray"
    return count


def places(folder: Path) -> set[Path]:
    """What is in a folder; read again where the eye renames one meanwhile."""
    while True:
        with suppress(FileNotFoundError):
            return set(folder.rglob("*"))


def has_changed(folder: Path, before: set[Path]) -> bool:
    return places(folder) != before


@pytest.mark.parametrize("kills", [10, pytest.param(200, marks=pytest.mark.full)])
@pytest.mark.timeout(3600)
def test_an_eye_killed_at_any_moment_leaves_no_unmasked_frame_on_the_disk(tmp_path: Path, kills: int) -> None:
    config = tmp_path / "station.toml"
    config.write_text(TOML, encoding="utf-8")
    moments = random.Random(7)
    for number in range(kills):
        eye = FilmingEye(config)
        try:
            eye.film(visit_at=float(number))
            clips = tmp_path / "state" / "clips"
            if number % 2:  # while the clip is written
                seen = places(clips)
                until(partial(has_changed, clips, seen), "something is written", COMMAND_WITHIN_S)
                time.sleep(moments.uniform(0.0, 0.02))
            else:
                time.sleep(moments.uniform(0.0, 2.5))  # the moment is what is tested
        finally:
            eye.kill()
        must_be_masked(tmp_path)
    eye = FilmingEye(config)
    clip = tmp_path / "state" / "clips" / "boot-999000-1" / "clip.mp4"
    try:
        eye.film(visit_at=999.0)
        until(clip.exists, "a clip is kept", COMMAND_WITHIN_S)
    finally:
        eye.kill()
    assert must_be_masked(tmp_path) >= 5
    left = [place.name for place in clip.parent.parent.iterdir() if place.name.startswith(".new")]
    assert left == [], "the next eye removes what a killed one left"


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    (tmp_path / "frame").write_bytes(b"some header" + encode_jpeg(scene()))
    with pytest.raises(AssertionError, match="outside the tray"):
        must_be_masked(tmp_path)
    (tmp_path / "frame").write_bytes(scene().tobytes())
    with pytest.raises(AssertionError, match="raw pixels"):
        must_be_masked(tmp_path)
