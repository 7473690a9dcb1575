"""Makes one clip in a process of its own: finds faces in every frame, makes them unrecognisable, encodes.

`python -m edge.eye.clips.maker` reads a ClipJob from its standard input and writes a MadeClip to its standard
output, both as MessagePack. A process of its own can be at the lowest priority, gives its memory back when
it ends, and takes nothing with it when a library crashes. It opens no file for writing.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from functools import lru_cache

import msgspec
import numpy as np

from edge.eye.clips.encode import EncodeError, encode
from edge.eye.clips.faces import FaceBox, Raw, boxes_in, joined, pixelated, tiles_of
from edge.eye.clips.mask import Inside, inside_of, masked
from edge.eye.clips.record import ClipJob, MadeClip, Shares
from models.face_finder import FaceNetwork
from models.pixels import Rgb, decode_jpeg, encode_jpeg

LOWEST = 19
"""The scheduling priority: a verdict, a tap and a lid go before any clip."""
_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG (prctl(2))."""
Look = Callable[[Rgb], tuple[Raw, float]]
"""Gives the face network's outputs for a picture, and the scale of the picture in them."""


def make(job: ClipJob, look: Look) -> MadeClip:
    """Make a clip and its still; ValueError if the job has no frame that can be decoded.

    The frames are decoded twice, so that only one is in memory at a time.
    """
    frames = _Frames(job)
    boxes = joined([_faces_in(frames.masked(number), frames.inside(number), look) for number in frames.whole])

    def shown(place: int) -> Rgb:
        return pixelated(frames.masked(frames.whole[place]), boxes[place])

    times = [job.frames[number][0] for number in frames.whole]
    nearest = min(range(len(times)), key=lambda place: abs(times[place] - job.still_at))
    still = shown(nearest)
    height, width = still.shape[:2]
    left, top, right, bottom = pixels_of(job.box, width, height)
    clip, why = None, ""
    if job.wants_clip:
        try:
            clip = encode(times, shown)
        except EncodeError as error:
            why = f"the clip could not be encoded: {error}"
    return MadeClip(
        still=encode_jpeg(still),
        crop=encode_jpeg(still[top:bottom, left:right]),
        clip=clip,
        size=(width, height),
        box=(left, top, right, bottom),
        faces=sum(1 for one in boxes if one),
        why=why,
    )


class _Frames:
    """A job's frames, decoded when they are needed."""

    def __init__(self, job: ClipJob) -> None:
        self._jpegs = [jpeg for _, jpeg in job.frames]
        self._inside = lru_cache(maxsize=4)(lambda width, height: inside_of(job.tray, width, height))
        self.whole = [number for number in range(len(self._jpegs)) if self._decoded(number) is not None]
        """The numbers of the frames that can be decoded."""
        if not self.whole:
            raise ValueError("none of the frames can be decoded")

    def inside(self, number: int) -> Inside:
        return self._inside(*self._picture(number).shape[1::-1])

    def masked(self, number: int) -> Rgb:
        return masked(self._picture(number), self.inside(number))

    def _picture(self, number: int) -> Rgb:
        picture = self._decoded(number)
        if picture is None:
            raise ValueError(f"frame {number} cannot be decoded")
        return picture

    def _decoded(self, number: int) -> Rgb | None:
        return decode_jpeg(self._jpegs[number])


def _faces_in(picture: Rgb, inside: Inside, look: Look) -> list[FaceBox]:
    """Return the faces of one frame, found in overlapping tiles and, if there are several, in the whole."""
    tiles = tiles_of(inside)
    height, width = picture.shape[:2]
    places = [*tiles, (0, 0, width, height)] if len(tiles) > 1 else tiles
    found = []
    for left, top, right, bottom in places:
        raw, scale = look(np.ascontiguousarray(picture[top:bottom, left:right]))
        found += [box.moved(left, top) for box in boxes_in(raw, scale)]
    return found


def pixels_of(box: Shares, width: int, height: int) -> tuple[int, int, int, int]:
    """Return a box in pixels of a picture, within it and at least one pixel wide and high."""
    left, top = min(width - 1, int(box[0] * width)), min(height - 1, int(box[1] * height))
    return left, top, max(left + 1, round(box[2] * width)), max(top + 1, round(box[3] * height))


def main() -> None:
    """Make the clip that standard input asks for."""
    os.nice(LOWEST)
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold faces
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=ClipJob)
    sys.stdout.buffer.write(msgspec.msgpack.encode(make(job, FaceNetwork().look)))


if __name__ == "__main__":
    main()
