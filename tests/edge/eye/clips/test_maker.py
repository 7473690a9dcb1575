"""What comes out of the maker shows the tray and no face."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest

from edge.eye.clips.child import MakeError, MakerProcess
from edge.eye.clips.faces import BLOCKS
from edge.eye.clips.mask import FILL, inside_of
from edge.eye.clips.record import ClipJob
from models.bundle import BundleError
from models.face_finder import FaceNetwork
from models.pixels import Rgb, decode_jpeg
from tests.edge.eye.clips.pictures import HEIGHT, WIDTH, jpegs, noisy, tray, with_face

WHOLE = (0.0, 0.0, 1.0, 1.0)
ALL = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
RIGHT_HALF = ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))
FACE_PX = 90.0


def job(
    *, place: tuple[int, int] = (60, 60), frames: int = 12, clip: bool = True
) -> tuple[ClipJob, Rgb, slice, slice]:
    """Give a job of a noisy tray with a face over it, one frame, and where the face is."""
    rng = np.random.default_rng(3)
    scene, (left, top, right, bottom) = with_face(tray(rng), FACE_PX, place)
    pictures = [noisy(scene, rng) for _ in range(frames)]
    made = ClipJob(jpegs(pictures), ALL, 100.0, WHOLE, clip)
    return made, pictures[0], slice(top, bottom), slice(left, right)


def frames_of(clip: bytes) -> list[Rgb]:
    with av.open(io.BytesIO(clip), "r") as container:
        return [frame.to_ndarray(format="rgb24").astype(np.uint8) for frame in container.decode(video=0)]


def detail(picture: Rgb) -> float:
    """Give how much neighbouring pixels differ: a face has features, blocks have few edges."""
    return float(np.abs(np.diff(picture.astype(float), axis=1)).mean())


def test_a_face_is_coarse_in_every_frame_of_the_clip_and_in_the_still_and_the_crop() -> None:
    ordered, seen, rows, columns = job()
    made = MakerProcess().make(ordered)
    assert made.clip is not None
    assert (made.faces, made.size, made.box) == (12, (WIDTH, HEIGHT), (0, 0, WIDTH, HEIGHT))
    stills = [picture for data in (made.still, made.crop) if (picture := decode_jpeg(data)) is not None]
    shown = [*frames_of(made.clip), *stills]
    assert len(shown) == 14
    for picture in shown:
        face = picture[rows, columns]
        assert np.corrcoef(blurred(face).ravel(), blurred(seen[rows, columns]).ravel())[0, 1] > 0.2, (
            "it is there"
        )
        assert detail(face) < 0.5 * detail(seen[rows, columns]), "but coarse"


def blurred(picture: Rgb) -> Rgb:
    step = max(1, picture.shape[0] // BLOCKS)
    return picture[::step, ::step]


def test_nothing_outside_the_tray_is_in_any_frame() -> None:
    ordered, _, rows, columns = job()
    made = MakerProcess().make(
        ClipJob(ordered.frames, RIGHT_HALF, 100.0, (0.25, 0.5, 1.0, 1.0), wants_clip=True)
    )
    assert made.clip is not None
    still = decode_jpeg(made.still)
    assert still is not None
    outside = ~inside_of(RIGHT_HALF, WIDTH, HEIGHT)
    outside[:, WIDTH // 2 - 16 : WIDTH // 2] = False  # an encoder's blocks lie across the edge
    for picture in [*frames_of(made.clip), still]:
        assert np.abs(picture[outside].astype(int) - FILL).max() < 12
        assert detail(picture[rows, columns]) < 0.5
    assert made.box == (160, 240, 640, 480)


def test_without_consent_there_is_a_masked_still_and_no_clip() -> None:
    ordered, _, rows, columns = job(clip=False)
    made = MakerProcess().make(ordered)
    still = decode_jpeg(made.still)
    assert (made.clip, made.why) == (None, "")
    assert still is not None
    assert detail(still[rows, columns]) < 5


def test_frames_that_cannot_be_decoded_are_left_out_and_none_is_named() -> None:
    ordered, *_ = job(frames=4)
    torn = tuple((at, b"" if number % 2 else jpeg) for number, (at, jpeg) in enumerate(ordered.frames))
    made = MakerProcess().make(ClipJob(torn, ALL, 100.0, WHOLE, wants_clip=True))
    assert made.clip is not None
    assert len(frames_of(made.clip)) == 2
    with pytest.raises(MakeError, match="none of the frames can be decoded"):
        MakerProcess().make(ClipJob(((1.0, b"no jpeg"),), ALL, 1.0, WHOLE, wants_clip=True))


def test_a_maker_that_takes_too_long_is_killed_and_one_that_was_stopped_makes_nothing() -> None:
    ordered, *_ = job(frames=2)
    with pytest.raises(MakeError, match="it took longer than"):
        MakerProcess(longest_s=0.01).make(ordered)
    stopped = MakerProcess()
    stopped.stop()
    with pytest.raises(MakeError, match="stopping"):
        stopped.make(ordered)


def test_another_file_in_the_face_networks_place_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    with pytest.raises(BundleError, match="cannot be read"):
        FaceNetwork(other)
    other.write_bytes(b"another network")
    with pytest.raises(BundleError, match="is not the file it should be"):
        FaceNetwork(other)
