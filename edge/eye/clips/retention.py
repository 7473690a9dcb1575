"""Which clips are deleted, and why: too old, or in the way. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edge.eye.clips.choose import OUTSIDE_THE_BUDGET, RANK, ClipReason

LONGER = 10
"""Clips of alarms and appeals are kept so many times as long: somebody decides by them."""


@dataclass(frozen=True, slots=True)
class StoredClip:
    """One clip on the disk. `wall_s` is None if the calendar was not trusted when it was stored."""

    id: str
    reason: ClipReason
    worth: float
    day: str
    wall_s: float | None
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long clips are kept, and how much of the disk they may fill."""

    keep_s: float
    most_bytes: int
    leave_bytes: int
    """So many bytes of the disk stay free."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """A clip to delete, and why, for the log."""

    id: str
    why: str


def surplus(
    clips: Iterable[StoredClip], keeping: Keeping, now_s: float | None, free_bytes: int
) -> Iterator[Deletion]:
    """Yield the clips to delete.

    `now_s` is the Unix time, None while the calendar is not trusted or was just stepped: then nothing is
    deleted for its age. For room the least needed go first: those of the lowest reason, then the least
    informative, then the oldest.
    """
    left = []
    for clip in clips:
        if _is_old(clip, keeping, now_s):
            yield Deletion(clip.id, "it is old enough")
            free_bytes += clip.size
        else:
            left.append(clip)
    size = sum(clip.size for clip in left)
    for clip in sorted(left, key=lambda one: (RANK[one.reason], one.worth, one.wall_s or 0.0, one.id)):
        if size <= keeping.most_bytes and free_bytes >= keeping.leave_bytes:
            return
        why = "clips take too much room" if size > keeping.most_bytes else "the disk is nearly full"
        yield Deletion(clip.id, why)
        size, free_bytes = size - clip.size, free_bytes + clip.size


def _is_old(clip: StoredClip, keeping: Keeping, now_s: float | None) -> bool:
    if now_s is None or clip.wall_s is None:
        return False
    longer = LONGER if clip.reason in OUTSIDE_THE_BUDGET else 1
    return now_s > clip.wall_s + longer * keeping.keep_s
