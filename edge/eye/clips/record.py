"""What a clip is made of and what is kept beside it. Pure records."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from config.sorting import Category
from edge.eye.clips.choose import ClipReason
from edge.eye.clips.mask import Point
from models.verdict import Ballot

Shares = tuple[float, float, float, float]
"""Left, top, right, bottom as shares of the picture's size."""

BEFORE_S, AFTER_S = 3.0, 2.0
"""A clip begins and ends so long before and after its deposit."""
CLIP_FILE, STILL_FILE, CROP_FILE, RECORD_FILE = "clip.mp4", "still.jpg", "crop.jpg", "clip.json"


class ClipJob(msgspec.Struct, frozen=True):
    """Frames to be made into a clip and a still, by a process of its own."""

    frames: tuple[tuple[float, bytes], ...]
    """Monotonic seconds and JPEG; already masked outside all trays of the camera."""
    tray: tuple[Point, ...]
    still_at: float
    """The still is the frame nearest to this time."""
    box: Shares
    """What the network saw of the still."""
    wants_clip: bool


class MadeClip(msgspec.Struct, frozen=True):
    """What became of a job. Nothing in it shows more than the tray, or a face that was found."""

    still: bytes
    crop: bytes
    clip: bytes | None
    size: tuple[int, int]
    """The still's width and height in pixels."""
    box: tuple[int, int, int, int]
    """What the network saw: left, top, right, bottom in pixels of the still."""
    faces: int
    """Frames in which a face was found."""
    why: str = ""
    """Why there is no clip although one was wanted."""


class VisitName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A visit, by the boot it happened in and the monotonic second of its first tap.

    The event that the journal sends says the same: its stamp's boot, and its stamp's seconds less the
    visit's duration.
    """

    boot: Annotated[str, Meta(max_length=64)]
    started_s: Annotated[float, Meta(ge=0)]


class ClipRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """clip.json: what a person or a program needs to know of a clip."""

    id: str
    community: str
    station: str
    visit: VisitName
    deposit: int
    bin: str
    bin_category: Category
    reason: ClipReason
    worth: float
    at_s: float
    """Monotonic seconds of the deposit, in the visit's boot."""
    wall_s: float
    """Unix time when the clip was stored; meaningless unless `trusted`."""
    trusted: bool
    day: str
    """The day whose budget it belongs to."""
    box: tuple[int, int, int, int]
    """What the network saw: left, top, right, bottom in pixels of the still."""
    size: tuple[int, int]
    faces: int
    judged: Ballot | None = None
    digests: dict[str, str] = {}
    """SHA-256 of each file, by its name."""
    no_clip: str = ""
    """Why there is only a still."""
