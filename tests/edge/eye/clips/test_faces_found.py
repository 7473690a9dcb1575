"""How often a face that moves over the tray is missed: in a frame by itself, and in the clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from edge.eye.clips.faces import FaceBox, boxes_in, joined, tiles_of
from models.face_finder import FaceNetwork
from models.pixels import Rgb, decode_jpeg, encode_jpeg, resize
from tests.edge.eye.clips.pictures import FACE_IN_PORTRAIT, HEIGHT, WIDTH, noisy, portrait, tray

FRAMES = 20
LEAST_COVER = 0.8
"""A face counts as masked if so much of it is: its features then are."""


@dataclass
class Missed:
    """Frames with a face, those in which the network alone missed it, those in which it stays visible."""

    frames: int = 0
    alone: int = 0
    in_clip: int = 0


def lit(picture: Rgb, rng: np.random.Generator) -> Rgb:
    """Shade a portrait as a lamp at its side would, and make it darker or lighter."""
    begin, end = rng.uniform(0.35, 1.2, 2).tolist()
    across = np.linspace(begin, end, picture.shape[1])[None, :, None]
    shaded: Rgb = np.clip(picture * across, 0, 255).astype(np.uint8)
    return shaded


def a_clip(face_px: float, rng: np.random.Generator) -> tuple[list[Rgb], list[FaceBox]]:
    """Give frames in which a face moves over the tray, as a camera would send them, and where it is."""
    left, top, right, bottom = FACE_IN_PORTRAIT
    scale = face_px / (right - left)
    whole = lit(portrait(), rng)
    small = resize(whole, round(whole.shape[1] * scale), round(whole.shape[0] * scale))
    room = np.maximum((WIDTH - right * scale, HEIGHT - bottom * scale), 1.0)
    begin, end = rng.uniform(0, 1, (2, 2)) * room
    scene, frames, places = tray(rng), [], []
    for number in range(FRAMES):
        x, y = (begin + (end - begin) * number / (FRAMES - 1)).astype(int).tolist()
        picture = scene.copy()
        part = picture[y : y + small.shape[0], x : x + small.shape[1]]
        part[:] = small[: part.shape[0], : part.shape[1]]
        seen = decode_jpeg(encode_jpeg(noisy(picture, rng, rng.uniform(2, 8)), 80))
        assert seen is not None
        frames.append(seen)
        places.append(FaceBox(left * scale, top * scale, right * scale, bottom * scale).moved(x, y))
    return frames, places


def faces_in(picture: Rgb, network: FaceNetwork) -> list[FaceBox]:
    found = []
    tiles = tiles_of(np.ones((HEIGHT, WIDTH), np.bool_))
    for left, top, right, bottom in [*tiles, (0, 0, WIDTH, HEIGHT)]:
        raw, scale = network.look(np.ascontiguousarray(picture[top:bottom, left:right]))
        found += [box.moved(left, top) for box in boxes_in(raw, scale)]
    return found


def is_covered(face: FaceBox, boxes: list[FaceBox]) -> bool:
    """Return whether the boxes together hide enough of a face."""
    hidden = np.zeros((HEIGHT, WIDTH), np.bool_)
    for box in boxes:
        left, top, right, bottom = (max(0, round(side)) for side in box)
        hidden[top:bottom, left:right] = True
    left, top, right, bottom = (round(side) for side in face)
    return bool(hidden[top:bottom, left:right].mean() >= LEAST_COVER)


def missed(face_px: float, clips: int, seed: int = 0) -> Missed:
    """Count misses over some clips of faces of one size."""
    network, rng, count = FaceNetwork(), np.random.default_rng(seed), Missed()
    for _ in range(clips):
        frames, places = a_clip(face_px, rng)
        found = [faces_in(frame, network) for frame in frames]
        alone = [[box.widened(1.5) for box in boxes] for boxes in found]
        for place, own, held in zip(places, alone, joined(found), strict=True):
            count.frames += 1
            count.alone += not is_covered(place, own)
            count.in_clip += not is_covered(place, held)
    return count


@pytest.mark.parametrize("face_px", [24.0, 40.0, 80.0, 160.0])
def test_few_faces_of_any_size_stay_visible_in_a_clip(face_px: float) -> None:
    count = missed(face_px, clips=2)
    assert count.in_clip <= 0.05 * count.frames, count


@pytest.mark.full
@pytest.mark.parametrize("face_px", [24.0, 40.0, 80.0, 160.0])
def test_the_miss_rate_that_the_documents_state(face_px: float) -> None:
    count = missed(face_px, clips=15)
    print(f"faces of {face_px:g} px: {count}")  # noqa: T201 (the figures in docs/wiring.md)
    assert count.in_clip <= 0.02 * count.frames, count
