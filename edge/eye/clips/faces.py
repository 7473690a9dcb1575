"""Where faces are in a clip, and how they are made unrecognisable. Pure numpy; the network is passed in.

A detector that looks at one frame at a time misses a face in some of them. So each box is widened, held for a
few frames before and after, and carried along between two frames in which the same face was found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Raw = tuple[NDArray[np.float32], ...]
"""The network's outputs for one picture: scores of the fine and the coarse grid, then the boxes of both."""

SIDE = 256
"""The network's input is a square of so many pixels."""
GRIDS = ((16, 2), (8, 6))
"""Cells in a row, and candidates in each cell, of the fine and of the coarse grid."""
LEAST_SCORE = 0.5
"""Faces on generated scenes have 0.8 and more; at 0.3 every third piece of waste was taken for one, and what
is hidden cannot be reviewed."""
TILE = 320
"""Side of the squares that a frame is searched in, in pixels, so that a small face is large enough."""
WIDEN = 1.5
HOLD = 5
"""Frames before and after a find in which its place is masked too."""
LONGEST_GAP = 15
"""Most frames between two finds of one face for which its way between them is masked."""
BLOCKS = 5
"""A face is reduced to this many blocks across and down."""


class FaceBox(NamedTuple):
    """A face in a frame, in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def moved(self, right: float, down: float) -> FaceBox:
        """Return the box in the coordinates of a picture that this one is a part of."""
        return FaceBox(self.left + right, self.top + down, self.right + right, self.bottom + down)

    def widened(self, by: float) -> FaceBox:
        """Return the box with each side `by` times as long, around the same centre."""
        across, down = (self.right - self.left) * (by - 1) / 2, (self.bottom - self.top) * (by - 1) / 2
        return FaceBox(self.left - across, self.top - down, self.right + across, self.bottom + down)

    def meets(self, other: FaceBox) -> bool:
        """Return whether two boxes overlap."""
        is_beside = self.right <= other.left or other.right <= self.left
        return not (is_beside or self.bottom <= other.top or other.bottom <= self.top)


def tiles_of(inside: NDArray[np.bool_]) -> list[tuple[int, int, int, int]]:
    """Return left, top, right, bottom of overlapping squares that cover all pixels which are not masked."""
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return []
    spans_y = _spans(int(rows[0]), int(rows[-1]) + 1)
    spans_x = _spans(int(columns[0]), int(columns[-1]) + 1)
    return [(left, top, right, bottom) for top, bottom in spans_y for left, right in spans_x]


def _spans(begin: int, end: int) -> list[tuple[int, int]]:
    """Divide a length into spans of at most TILE, each overlapping the next by at least a quarter of TILE."""
    length = end - begin
    if length <= TILE:
        return [(begin, end)]
    count = -(-(length - TILE) // (TILE * 3 // 4)) + 1
    begins = (begin + round(number * (length - TILE) / (count - 1)) for number in range(count))
    return [(at, at + TILE) for at in begins]


def boxes_in(raw: Raw, scale: float, least_score: float = LEAST_SCORE) -> list[FaceBox]:
    """Return the faces that the network found, in pixels of a picture scaled by `scale` to its input.

    Several boxes may name one face: it is masked all the same.
    """
    found = []
    for scores, boxes, (cells, candidates) in zip(raw[:2], raw[2:], GRIDS, strict=True):
        logits = scores.reshape(-1)
        likely = np.flatnonzero(logits > np.log(least_score / (1 - least_score)))
        for index in likely.tolist():
            row, column = divmod(index // candidates, cells)
            across, down, width, height = boxes.reshape(len(logits), -1)[index, :4].tolist()
            x, y = (column + 0.5) / cells * SIDE + across, (row + 0.5) / cells * SIDE + down
            box = FaceBox(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            found.append(FaceBox(*(each / scale for each in box)))
    return found


def joined(found: Sequence[Sequence[FaceBox]]) -> list[list[FaceBox]]:
    """Return the boxes to mask in each frame, widened and held, from those found in each frame."""
    wide = [[box.widened(WIDEN) for box in boxes] for boxes in found]
    joined: list[list[FaceBox]] = [[] for _ in wide]
    for at, boxes in enumerate(wide):
        for box in boxes:
            for near in range(max(0, at - HOLD), min(len(wide), at + HOLD + 1)):
                joined[near].append(box)
            for between, place in _ways(wide, at, box):
                joined[between].append(place)
    return joined


def _ways(wide: Sequence[Sequence[FaceBox]], at: int, box: FaceBox) -> Iterator[tuple[int, FaceBox]]:
    """Yield where a face may be between this find and the next one that it may have moved to."""
    for later in range(at + 1, min(len(wide), at + LONGEST_GAP + 1)):
        same = [other for other in wide[later] if box.widened(WIDEN).meets(other)]
        for other in same:
            for between in range(at + 1, later):
                share = (between - at) / (later - at)
                sides = zip(box, other, strict=True)
                yield between, FaceBox(*((1 - share) * one + share * two for one, two in sides))
        if same:
            return


def pixelated(picture: NDArray[np.uint8], boxes: Sequence[FaceBox]) -> NDArray[np.uint8]:
    """Return a copy of a picture whose boxes are reduced to coarse blocks."""
    copy = picture.copy()
    height, width = picture.shape[:2]
    for box in boxes:
        left, top = max(0, int(box.left)), max(0, int(box.top))
        right, bottom = min(width, int(np.ceil(box.right))), min(height, int(np.ceil(box.bottom)))
        if left < right and top < bottom:
            part = copy[top:bottom, left:right]
            part[:] = _coarse(part)
    return copy


def _coarse(part: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Replace each of BLOCKS x BLOCKS blocks by its mean; nothing else of the picture remains."""
    row_of = np.arange(part.shape[0]) * BLOCKS // part.shape[0]
    column_of = np.arange(part.shape[1]) * BLOCKS // part.shape[1]
    block_of = row_of[:, None] * BLOCKS + column_of[None, :]
    counts = np.maximum(np.bincount(block_of.ravel(), minlength=BLOCKS * BLOCKS), 1)
    means = [
        np.bincount(block_of.ravel(), part[:, :, channel].ravel(), BLOCKS * BLOCKS) / counts
        for channel in range(part.shape[2])
    ]
    coarse: NDArray[np.uint8] = np.stack(means, axis=-1)[block_of].astype(np.uint8)
    return coarse
