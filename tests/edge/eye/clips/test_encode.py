"""Clips are small, begin with a key frame, have their index in front, and keep the frames' times."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from edge.eye.clips.encode import MOST_BYTES_A_SECOND, EncodeError, encode
from models.pixels import Rgb
from tests.edge.eye.clips.pictures import noisy, tray

TIMES = [number / 15 for number in range(75)]


def filmed(level: float) -> list[Rgb]:
    rng = np.random.default_rng(1)
    scene = tray(rng)
    return [noisy(scene, rng, level) for _ in TIMES]


def packets(clip: bytes) -> list[tuple[float, bool]]:
    with av.open(io.BytesIO(clip), "r") as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.time_base is not None
        return [
            (float(packet.pts * stream.time_base), packet.is_keyframe)
            for packet in container.demux(video=0)
            if packet.pts is not None
        ]


@pytest.mark.parametrize("level", [2.0, 30.0])
def test_five_seconds_are_at_most_150_kb_however_noisy_the_camera_is(level: float) -> None:
    frames = filmed(level)
    clip = encode(TIMES, frames.__getitem__)
    assert len(clip) <= 5 * MOST_BYTES_A_SECOND == 150_000
    assert clip.index(b"moov") < clip.index(b"mdat")
    found = packets(clip)
    assert len(found) == 75
    assert found[0] == (0.0, True)
    assert 4 <= sum(is_key for _, is_key in found) <= 6, "one a second, to seek to, and no more"


def test_frames_keep_their_own_times() -> None:
    frames = filmed(2.0)
    times = [0.0, 0.2, 0.4, 0.46, 0.53]
    assert [at for at, _ in packets(encode(times, frames.__getitem__))] == pytest.approx(times, abs=0.002)


@pytest.mark.parametrize("size", [(16, 16), (479, 639), (17, 301), (2160, 3840)])
def test_a_clip_is_at_most_640_wide_and_of_an_even_size(size: tuple[int, int]) -> None:
    picture = np.full((*size, 3), 90, np.uint8)
    clip = encode([0.0, 0.1], lambda _: picture)
    with av.open(io.BytesIO(clip)) as container:
        stream = container.streams.video[0]
        assert stream.width <= 640
        assert (stream.width % 2, stream.height % 2) == (0, 0)


def test_a_camera_that_changes_its_size_still_gives_one_clip() -> None:
    sizes = [(480, 640), (240, 320), (1, 1), (720, 1280)]
    pictures = [np.full((*size, 3), 120, np.uint8) for size in sizes]
    assert len(packets(encode([0.0, 0.1, 0.2, 0.3], pictures.__getitem__))) == 4


def test_no_frame_is_no_clip() -> None:
    with pytest.raises(EncodeError, match="no frame"):
        encode([], filmed(1.0).__getitem__)
