"""Reading what the station left."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from cloud_sync.wire.station_state import DoorReading
from edge.panel.folder import RuntimeFolder, Scene
from edge.screen.state import PICTURE_FILE, STATE_FILE, STATE_STALE_S, LiveFolder
from tests.edge.panel.scenes import NOW, live


class Clock:
    """A clock that a test moves; each look is given a new tenth of a second by `later`."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def later(self, seconds: float = 1.0) -> None:
        self.seconds += seconds


@pytest.fixture
def look(tmp_path: Path) -> Callable[[], Scene]:
    clock = Clock()
    reader = RuntimeFolder(tmp_path, lambda: NOW, clock)

    def fresh() -> Scene:
        clock.later()
        return reader.scene()

    return fresh


def write(path: Path, written_s: float = NOW, picture: int = 1) -> None:
    LiveFolder(path).write_state(msgspec.structs.replace(live(), written_s=written_s, picture=picture))


def test_an_empty_folder_is_a_station_that_is_not_there(look: Callable[[], Scene]) -> None:
    assert look() == Scene(None, None)


def test_a_missing_folder_may_appear_later(tmp_path: Path) -> None:
    clock = Clock()
    reader = RuntimeFolder(tmp_path / "run", lambda: NOW, clock)
    assert reader.scene().live is None
    write(tmp_path / "run")
    clock.later()
    assert reader.scene().live is not None


@pytest.mark.parametrize(("age_s", "shown"), [(0.0, True), (4.9, True), (5.1, False), (86_400.0, False)])
def test_a_state_is_shown_until_it_is_five_seconds_old(
    tmp_path: Path, look: Callable[[], Scene], age_s: float, *, shown: bool
) -> None:
    write(tmp_path, NOW - age_s)
    assert (look().live is not None) is shown


def test_a_state_from_the_future_does_not_keep_a_dead_station_alive(
    tmp_path: Path, look: Callable[[], Scene]
) -> None:
    write(tmp_path, NOW + STATE_STALE_S + 1)
    assert look().live is None


def test_readings_alone_draw_no_screen_anew(tmp_path: Path, look: Callable[[], Scene]) -> None:
    write(tmp_path)
    before = look()
    readings = (DoorReading("mcu", is_open=True, age_s=1.0),)
    LiveFolder(tmp_path).write_state(msgspec.structs.replace(live(), picture=1, readings=readings))
    after = look()
    assert after == before
    assert (before.readings, after.readings) == ((), readings)


def test_a_state_written_again_unchanged_is_the_same_scene(tmp_path: Path, look: Callable[[], Scene]) -> None:
    write(tmp_path, NOW - 1)
    before = look()
    write(tmp_path, NOW)
    assert look() == before


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"community": 3}', b"\xff\xfe"])
def test_a_state_that_cannot_be_read_is_said_once_and_shown_as_down(
    tmp_path: Path, look: Callable[[], Scene], caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / STATE_FILE).write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert look().live is None
        assert look().live is None
    assert [STATE_FILE in record.getMessage() for record in caplog.records] == [True]


def test_the_folder_is_read_at_most_ten_times_a_second(tmp_path: Path) -> None:
    clock = Clock()
    reader = RuntimeFolder(tmp_path, lambda: NOW, clock)
    reader.scene()
    write(tmp_path)
    clock.later(0.09)
    assert reader.scene().live is None
    clock.later(0.02)
    assert reader.scene().live is not None


def test_there_is_no_picture_before_the_first(tmp_path: Path, look: Callable[[], Scene]) -> None:
    (tmp_path / PICTURE_FILE).write_bytes(b"left by the run before")
    write(tmp_path, picture=0)
    assert look().picture is None


def test_a_counted_picture_that_is_missing_is_not_shown(tmp_path: Path, look: Callable[[], Scene]) -> None:
    write(tmp_path)
    assert look().picture is None


def test_a_restarted_station_that_counts_anew_shows_a_new_picture(
    tmp_path: Path, look: Callable[[], Scene]
) -> None:
    folder = LiveFolder(tmp_path)
    write(tmp_path)
    folder.write_picture(b"before")
    os.utime(tmp_path / PICTURE_FILE, ns=(1, 1))
    before = look().picture
    folder.write_picture(b"after")
    assert before is not None
    assert look().picture not in {None, before}
