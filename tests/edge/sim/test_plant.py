from __future__ import annotations

import numpy as np
import pytest

from config.sorting import Category
from config.station import VisitSection
from edge.messages import ChamberChanged, Event, LevelChanged, LidClosed
from edge.ports import CameraError
from edge.sim.photos.camera import SimCamera
from edge.sim.photos.thrown import Thing
from edge.sim.plant import Plant
from tests.edge.sim.stage import Stage
from tests.edge.sim.stations import BLIND, READER, station

GREY = np.full((30, 40, 3), 120, np.uint8)


def thing(category: Category | None = Category.KITCHEN, seed: int = 1) -> Thing:
    return Thing("peel", category, 150, seed, GREY)


class Site(Stage):
    """A plant and its camera."""

    def __init__(self, kind: str = READER, capacity: int = 3, visit: VisitSection | None = None) -> None:
        super().__init__()
        self.settings = station(kind, visit)
        self.plant = Plant(self.settings, self.timeline, self, capacity)
        self.camera = SimCamera(self.settings, self.plant)

    def throw(self, bin_id: str, what: Thing) -> bool:
        got_in = self.plant.throw(bin_id, what)
        self.wait(0.3)
        return got_in

    def heard(self, kind: type) -> list[Event]:
        return [event for event in self.posted if isinstance(event, kind)]


def test_a_thing_thrown_at_a_shut_bin_does_not_get_in() -> None:
    site = Site()
    assert not site.throw("kitchen", thing())
    assert site.posted == []


def test_a_thing_that_fell_in_is_sensed_once_it_lies_still_and_weighed_where_there_is_a_scale() -> None:
    site = Site()
    for lid in site.plant.lids.values():
        lid.open(30)
    site.wait(3)
    site.plant.throw("kitchen", thing())
    site.plant.throw("other", thing())
    site.wait(0.2)
    assert site.heard(ChamberChanged) == []
    site.wait(0.2)
    assert site.heard(ChamberChanged) == [
        ChamberChanged(3.3, "kitchen", 150),
        ChamberChanged(3.3, "other", None),
    ]


def test_without_a_camera_or_a_scale_nothing_is_sensed() -> None:
    site = Site(BLIND)
    site.plant.lids["rest"].open(30)
    site.wait(3)
    assert site.throw("rest", thing())
    assert site.heard(ChamberChanged) == []
    with pytest.raises(CameraError):
        site.camera.take("rest")


@pytest.mark.parametrize("travel_s", [0.2, 1.0, 2.0, 5.0])
def test_a_thing_thrown_into_the_last_gap_lies_still_before_the_lid_is_shut(travel_s: float) -> None:
    site = Site(visit=VisitSection(travel_s=travel_s))
    site.plant.lids["other"].open(20)
    site.wait(20 + travel_s * 0.49)
    assert site.plant.throw("other", thing())
    site.wait(30)
    kinds = [type(event) for event in site.posted]
    assert kinds.index(ChamberChanged) < kinds.index(LidClosed)


def test_a_bin_reports_once_that_it_is_full_and_once_that_it_was_emptied() -> None:
    site = Site(capacity=2)
    site.plant.lids["other"].open(60)
    site.wait(3)
    for _ in range(4):
        site.throw("other", thing())
    assert site.plant.bins["other"].is_full
    site.plant.bins["other"].empty()
    site.plant.bins["other"].empty()
    levels = [(event.bin, event.full) for event in site.posted if isinstance(event, LevelChanged)]
    assert levels == [("other", True), ("other", False)]


def test_a_shadow_fills_no_bin() -> None:
    site = Site(capacity=1)
    site.plant.lids["other"].open(60)
    site.wait(3)
    site.throw("other", thing(category=None))
    assert len(site.heard(ChamberChanged)) == 1
    assert not site.plant.bins["other"].is_full


def test_frames_show_the_last_thing_and_no_two_are_the_same() -> None:
    site = Site()
    site.plant.lids["other"].open(60)
    site.wait(3)
    white = Thing("paper", Category.OTHER, 5, 7, np.full((60, 80, 3), 200, np.uint8))
    site.throw("other", thing())
    site.throw("other", white)
    frames = [np.asarray(frame) for frame in site.camera.take("other")]
    assert 2 <= len(frames) <= 3
    assert not np.array_equal(frames[0], frames[1])
    for frame in frames:
        assert frame.dtype == np.uint8
        assert abs(float(frame.mean()) - 200) < 20


def test_the_same_thing_gives_the_same_frames_again() -> None:
    site = Site()
    site.plant.lids["other"].open(60)
    site.wait(3)
    site.throw("other", thing(seed=5))
    first, again = site.camera.take("other"), site.camera.take("other")
    assert all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(first, again, strict=True))


def test_a_failed_camera_and_an_empty_bin_give_no_picture() -> None:
    site = Site()
    with pytest.raises(CameraError, match="nothing in it yet"):
        site.camera.take("other")
    site.plant.lids["other"].open(60)
    site.wait(3)
    site.throw("other", thing())
    site.camera.failed.add("eye")
    with pytest.raises(CameraError, match="camera eye gives no picture"):
        site.camera.take("other")
    site.camera.failed.clear()
    assert site.camera.take("other")


def test_the_power_of_all_lids_is_cut_and_restored_together() -> None:
    site = Site()
    for lid in site.plant.lids.values():
        lid.open(60)
    site.wait(1)
    site.plant.power_off()
    site.wait(100)
    assert {lid.position for lid in site.plant.lids.values()} == {0.5}
    assert not site.plant.is_shut
    site.plant.power_on()
    site.wait(5)
    assert site.plant.is_shut
