"""What is thrown into a simulated bin, as an eye in another process sees it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from config.sorting import Category
from edge.loop.clocks import RealClock
from edge.messages import ChamberChanged, LidClosed, LidOpened
from edge.ports import CameraError
from edge.sim.photos.scene_camera import SceneCamera
from edge.sim.photos.thrown import Thing
from edge.sim.trays import TrayNews, Trays
from tests.edge.hardware.posted import Posted
from tests.edge.sim.stations import READER, station
from tests.waiting import until

PICTURE = np.full((40, 60, 3), 90, np.uint8)
BANANA = Thing("banana", Category.KITCHEN, 120, 7, PICTURE)


class Watcher:
    def __init__(self) -> None:
        self.heard: list[tuple[str, bool]] = []

    def lid_moved(self, bin_id: str, *, is_open: bool) -> None:
        self.heard.append((bin_id, is_open))


@pytest.fixture
def posted() -> Posted:
    return Posted()


@pytest.fixture
def camera(tmp_path: Path, posted: Posted) -> SceneCamera:
    settings = station(READER)
    place = structs.replace(settings.station, runtime_dir=str(tmp_path))
    return SceneCamera(structs.replace(settings, station=place), RealClock(), posted)


def test_what_is_thrown_in_while_the_lid_is_open_is_told_and_photographed(
    tmp_path: Path, camera: SceneCamera, posted: Posted
) -> None:
    with pytest.raises(CameraError, match="has nothing in it yet"):
        camera.take("kitchen")
    camera.start()
    camera.lid_moved("kitchen", is_open=True)
    at = RealClock().now()
    assert Trays(tmp_path).lay("kitchen", BANANA, at, None)
    until(lambda: posted.events == [ChamberChanged(at, "kitchen")], "it is told once")
    assert all(photo.picture.shape[2] == 3 for photo in camera.take("kitchen"))
    camera.stop()


def test_what_came_to_rest_before_the_lid_was_shut_is_told_then(
    tmp_path: Path, camera: SceneCamera, posted: Posted
) -> None:
    trays, at = Trays(tmp_path), RealClock().now()
    camera.lid_moved("kitchen", is_open=True)  # its thread was not started: nobody looks meanwhile
    trays.lay("kitchen", BANANA, at, None)
    trays.lay("kitchen", BANANA, at, None)
    camera.lid_moved("kitchen", is_open=False)
    assert posted.events == 2 * [ChamberChanged(at, "kitchen")]


def test_what_lay_there_before_is_not_new(tmp_path: Path, camera: SceneCamera, posted: Posted) -> None:
    camera.lid_moved("kitchen", is_open=True)
    Trays(tmp_path).lay("kitchen", BANANA, 0.0, None)
    camera.lid_moved("kitchen", is_open=False)
    posted.events.clear()
    camera.lid_moved("kitchen", is_open=True)
    camera.lid_moved("kitchen", is_open=False)
    assert posted.events == []


def test_a_folder_that_refuses_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "scenes").write_bytes(b"a file stands in its place")
    assert not Trays(tmp_path).lay("kitchen", BANANA, 0.0, 120)


def test_the_eye_hears_of_lids_and_a_scale_tells_as_one_shuts(tmp_path: Path, posted: Posted) -> None:
    trays, watcher = Trays(tmp_path), Watcher()
    news = TrayNews(posted, watcher, trays)
    news.post(LidOpened(1.0, "kitchen"))
    trays.lay("kitchen", BANANA, 1.5, 120)
    news.post(LidClosed(2.0, "kitchen"))
    told = ChamberChanged(2.0, "kitchen", 120, by_scale=True)
    assert posted.events == [LidOpened(1.0, "kitchen"), told, LidClosed(2.0, "kitchen")]
    assert watcher.heard == [("kitchen", True), ("kitchen", False)]
