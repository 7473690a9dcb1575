from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from config.station import CameraSection
from edge.eye.camera import CameraTimings, UsbCamera, open_capture
from edge.faults import FaultCode
from edge.loop.clocks import RealClock
from edge.messages import ChamberChanged, FaultCleared, FaultRaised
from edge.ports import CameraError
from tests.edge.eye.feed import Feed, Mode, PacedFile, write_video
from tests.edge.eye.scene import Picture, Scene
from tests.edge.hardware.posted import Hand, Posted
from tests.waiting import until

SECTION = CameraSection(id="over")
REGIONS = {"left": (0.0, 0.0, 0.5, 1.0), "right": (0.5, 0.0, 1.0, 1.0)}
PATIENT = CameraTimings(fresh_s=30.0, lost_s=30.0, retry_s=0.05)
"""A camera that is gone is tried again at once; for one that works a busy machine is no fault."""
IMPATIENT = CameraTimings(fresh_s=30.0, lost_s=1.0, idle_look_s=0.05, retry_s=0.05)
"""For tests of the fault: it comes soon, yet never between two looks of a camera at rest."""
HASTY = replace(IMPATIENT, fresh_s=0.2)
"""For a camera that has no new photo: asking for one fails soon."""


@pytest.fixture
def posted() -> Posted:
    return Posted()


@pytest.fixture
def feed() -> Iterator[Feed]:
    feed = Feed(Scene())
    yield feed
    feed.let_go.set()


@pytest.fixture
def timings() -> CameraTimings:
    return PATIENT


@pytest.fixture
def camera(feed: Feed, posted: Posted, timings: CameraTimings) -> Iterator[UsbCamera]:
    camera = UsbCamera(SECTION, REGIONS, RealClock(), posted, feed.open, timings)
    camera.start()
    yield camera
    camera.stop()


def coloured(count: int) -> list[Picture]:
    """Pictures whose left half is red and whose right half is blue, as BGR, each a little different."""
    random = np.random.default_rng(3)
    pictures = []
    for _ in range(count):
        picture = random.integers(0, 30, (120, 160, 3), dtype=np.uint8)
        picture[:, :80, 2] += 200
        picture[:, 80:, 0] += 200
        pictures.append(picture)
    return pictures


def test_photos_are_rgb_of_the_bins_own_region(tmp_path: Path, posted: Posted) -> None:
    video = tmp_path / "bins.avi"
    write_video(video, coloured(60))
    camera = UsbCamera(SECTION, REGIONS, RealClock(), posted, lambda _: PacedFile(video), PATIENT)
    camera.start()
    try:
        left, right = camera.take("left"), camera.take("right")
    finally:
        camera.stop()
    assert len(left) == len(right) == 3
    for photos, channel in ((left, 0), (right, 2)):
        for photo in photos:
            assert photo.picture.shape == (120, 80, 3)
            assert photo.picture.dtype == np.uint8
            assert photo.box == REGIONS["left" if photos is left else "right"]
            means = photo.picture.mean(axis=(0, 1))
            assert means.argmax() == channel
            assert means[channel] > 180
    assert not np.array_equal(left[0].picture, left[1].picture)


def test_a_video_file_and_a_missing_device_are_opened_as_what_they_are(tmp_path: Path) -> None:
    video = tmp_path / "bins.avi"
    write_video(video, coloured(2))
    capture = open_capture(CameraSection(id="file", source=str(video)))
    assert capture.grab()
    assert capture.retrieve()[1].shape == (120, 160, 3)
    capture.release()
    assert not open_capture(CameraSection(id="none", source="/dev/video-none")).grab()


def test_no_photo_is_older_than_the_question(camera: UsbCamera, feed: Feed) -> None:
    until(lambda: feed.retrieved)
    feed.scene.light = 0.2
    for photo in camera.take("left"):
        assert photo.picture.mean() < 40


@pytest.mark.parametrize("timings", [HASTY])
def test_a_driver_that_repeats_its_last_picture_gives_no_photo_but_a_fault(
    camera: UsbCamera, feed: Feed, posted: Posted, caplog: pytest.LogCaptureFixture
) -> None:
    until(lambda: feed.retrieved)
    feed.mode = Mode.FROZEN
    with pytest.raises(CameraError, match="over gave no new picture"):
        camera.take("left")
    until(lambda: posted.names()[-1:] == ["FaultRaised"])
    assert posted.events[-1] == FaultRaised(posted.events[-1].at, FaultCode.CAMERA_FAILED, "over")
    assert "check its cable" in caplog.text


@pytest.mark.parametrize("timings", [HASTY])
def test_a_read_that_never_returns_holds_nobody_up(feed: Feed, camera: UsbCamera, posted: Posted) -> None:
    feed.mode = Mode.HANGING
    with pytest.raises(CameraError):
        camera.take("left")
    until(lambda: posted.names()[-1:] == ["FaultRaised"])
    camera.stop()
    assert not feed.let_go.is_set(), "it hangs still"


@pytest.mark.parametrize("timings", [IMPATIENT])
def test_a_camera_that_was_unplugged_is_opened_again(feed: Feed, camera: UsbCamera, posted: Posted) -> None:
    camera.take("left")
    feed.mode = Mode.GONE
    until(lambda: posted.names()[-1:] == ["FaultRaised"])
    feed.mode = Mode.LIVE
    until(lambda: posted.names()[-1:] == ["FaultCleared"])
    assert posted.events[-1] == FaultCleared(posted.events[-1].at, FaultCode.CAMERA_FAILED, "over")
    assert len(camera.take("left")) == 3
    camera.stop()
    assert feed.opened == feed.released > 1


def test_a_camera_that_cannot_be_opened_is_tried_again(
    feed: Feed, posted: Posted, caplog: pytest.LogCaptureFixture
) -> None:
    def open_late(section: CameraSection) -> Feed:
        if feed.opened < 3:
            feed.opened += 1
            raise OSError(f"no camera {section.id}")
        return feed

    camera = UsbCamera(SECTION, REGIONS, RealClock(), posted, open_late, PATIENT)
    camera.start()
    until(lambda: feed.retrieved)
    assert len(camera.take("left")) == 3
    camera.stop()
    assert "no camera over" in caplog.text


def test_a_thing_thrown_into_an_open_bin_is_posted_once_for_that_bin(
    feed: Feed, camera: UsbCamera, posted: Posted
) -> None:
    camera.lid_moved("left", is_open=True)
    camera.lid_moved("right", is_open=True)
    seen = feed.retrieved
    until(lambda: feed.retrieved > seen + 10)
    feed.scene.put((0.1, 0.4, 0.3, 0.6), (230, 220, 60))
    until(lambda: posted.events)
    camera.lid_moved("right", is_open=False)
    seen = feed.retrieved
    until(lambda: feed.retrieved > seen + 10)
    assert posted.events == [ChamberChanged(posted.events[0].at, "left")]


def test_nothing_is_a_deposit_while_the_lid_is_shut(feed: Feed, camera: UsbCamera, posted: Posted) -> None:
    camera.lid_moved("left", is_open=True)
    seen = feed.retrieved
    until(lambda: feed.retrieved > seen + 10)
    camera.lid_moved("left", is_open=False)
    feed.scene.put((0.1, 0.4, 0.3, 0.6), (230, 220, 60))
    seen = feed.grabbed
    until(lambda: feed.grabbed > seen + 100)
    assert posted.events == []


def test_what_fell_in_while_a_lid_was_reversed_is_not_forgotten(
    feed: Feed, camera: UsbCamera, posted: Posted
) -> None:
    camera.lid_moved("left", is_open=True)
    seen = feed.retrieved
    until(lambda: feed.retrieved > seen + 10)
    feed.scene.put((0.1, 0.4, 0.3, 0.6), (230, 220, 60))
    camera.lid_moved("left", is_open=True)
    until(lambda: posted.names() == ["ChamberChanged"])


def test_frames_that_nobody_wants_are_not_decoded(feed: Feed, posted: Posted) -> None:
    clock = Hand()
    camera = UsbCamera(SECTION, REGIONS, clock, posted, feed.open, PATIENT)
    camera.start()
    for looks in (1, 2):
        until(lambda: feed.retrieved == looks)  # noqa: B023 (it is over when the next one begins)
        seen = feed.grabbed
        until(lambda: feed.grabbed > seen + 30)  # noqa: B023 (as above)
        assert feed.retrieved == looks
        clock.at += PATIENT.idle_look_s
    camera.stop()


def test_a_bin_that_no_camera_sees_has_no_photo(camera: UsbCamera) -> None:
    camera.lid_moved("far", is_open=True)
    with pytest.raises(CameraError, match="does not look at bin far"):
        camera.take("far")


def test_frames_that_cannot_be_used_are_dropped_and_named_until_whole_ones_come(
    camera: UsbCamera, feed: Feed, posted: Posted
) -> None:
    until(lambda: feed.retrieved)
    feed.unusable = np.zeros((0, 0, 3), np.uint8)
    until(lambda: faults(posted), "it is named")
    feed.unusable = None
    until(lambda: faults(posted)[-1:] and isinstance(faults(posted)[-1], FaultCleared), "it is over")
    assert len(camera.take("left")) == 3


def faults(posted: Posted) -> list[FaultRaised | FaultCleared]:
    return [
        one
        for one in posted.events
        if isinstance(one, FaultRaised | FaultCleared) and one.fault is FaultCode.CAMERA_TORN
    ]
