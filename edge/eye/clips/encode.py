"""Frames to a short H.264 MP4 in memory; the only file that imports av.

The frames are already masked: nothing here decides what may be seen.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType, VideoFrame
from numpy.typing import NDArray

WIDTH = 640
"""Pixels of a clip's width; a narrower picture is not enlarged."""
MOST_BYTES_A_SECOND = 30_000
"""Five seconds take at most 150 kB."""
QUALITIES = (27, 32, 38, 45, 51)
"""x264's constant rate factors, tried in this order until the clip is small enough."""
_OPTIONS = {"movflags": "+faststart"}
_TICKS = 1000
_EVEN = 2


Rgb = NDArray[np.uint8]


class EncodeError(Exception):
    """No clip could be made of these frames."""


def encode(times: Sequence[float], picture: Callable[[int], Rgb]) -> bytes:
    """Return an MP4 whose first frame is a key frame and whose index stands at its beginning.

    `times` are the frames' times in seconds, `picture` gives a frame by its number, RGB (height, width, 3);
    all are scaled to the first one's size. EncodeError if there is no frame, or if the encoder fails.
    """
    if not times:
        raise EncodeError("there is no frame")
    most = MOST_BYTES_A_SECOND * max(1.0, times[-1] - times[0])
    try:
        for quality in QUALITIES:
            if len(clip := _encoded(times, picture, quality)) <= most:
                return clip
    except (av.FFmpegError, ValueError, MemoryError) as error:
        raise EncodeError(str(error)) from error
    raise EncodeError(f"it has {len(clip)} bytes at the lowest quality")


def _encoded(times: Sequence[float], picture: Callable[[int], Rgb], quality: int) -> bytes:
    height, width = picture(0).shape[:2]
    scale = min(1.0, WIDTH / width)
    with _in_memory() as file, av.open(file, "w", format="mp4", options=_OPTIONS) as container:
        stream = container.add_stream("libx264", rate=15)
        stream.width, stream.height = _even(width * scale), _even(height * scale)
        stream.pix_fmt = "yuv420p"  # browsers play no other
        stream.time_base = Fraction(1, _TICKS)
        stream.codec_context.time_base = Fraction(1, _TICKS)
        stream.codec_context.thread_count = 1
        # Else the encoder takes a noisy still scene for cuts, and makes every frame a key frame.
        stream.options = {
            "preset": "veryfast",
            "crf": str(quality),
            "g": "15",
            "bf": "0",
            "sc_threshold": "0",
        }
        for number, at in enumerate(times):
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture(number)), format="rgb24")
            frame = frame.reformat(stream.width, stream.height, "yuv420p")
            frame.pts, frame.time_base = round((at - times[0]) * _TICKS), Fraction(1, _TICKS)
            frame.pict_type = PictureType.NONE  # a frame that says I would be a key frame
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        container.close()  # writes the index
        return Path(file).read_bytes()


@contextmanager
def _in_memory() -> Iterator[str]:
    """Yield the name of a file in memory: the muxer opens it again to move its index to the front."""
    descriptor = os.memfd_create("clip")
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _even(length: float) -> int:
    return max(_EVEN, round(length / _EVEN) * _EVEN)
