"""Boxes of faces are widened, held and carried along; what they cover cannot be recognised."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.eye.clips.faces import BLOCKS, HOLD, TILE, FaceBox, boxes_in, joined, pixelated, tiles_of

FACE = FaceBox(40.0, 40.0, 60.0, 60.0)


def covers(boxes: list[FaceBox], face: FaceBox) -> bool:
    return any(
        box.left <= face.left
        and box.top <= face.top
        and box.right >= face.right
        and box.bottom >= face.bottom
        for box in boxes
    )


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_a_still_face_is_covered_in_every_frame_near_one_in_which_it_was_found(found: list[bool]) -> None:
    boxes = joined([[FACE] if is_found else [] for is_found in found])
    for at in range(len(found)):
        is_near = any(found[max(0, at - HOLD) : at + HOLD + 1])
        assert covers(boxes[at], FACE) or not is_near


def test_a_moving_face_is_covered_on_its_way_between_two_finds() -> None:
    way = [FACE.moved(4.0 * step, 0.0) for step in range(13)]
    boxes = joined([[place] if step in {0, 6, 12} else [] for step, place in enumerate(way)])
    assert all(covers(boxes[step], place) for step, place in enumerate(way))


def test_a_find_is_widened_around_its_centre() -> None:
    assert joined([[FACE]]) == [[FaceBox(35.0, 35.0, 65.0, 65.0)]]


def test_what_a_box_covers_is_reduced_to_a_few_colours_and_the_rest_stays() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    shown = pixelated(picture, [FACE, FaceBox(-10.0, 95.0, 5.0, 120.0), FaceBox(200.0, 0.0, 300.0, 5.0)])
    assert len(np.unique(shown[40:60, 40:60].reshape(-1, 3), axis=0)) <= BLOCKS * BLOCKS
    is_changed = (shown != picture).any(axis=2)
    is_changed[40:60, 40:60] = is_changed[95:, :5] = False
    assert not is_changed.any()


@given(st.integers(1, 900), st.integers(1, 900))
def test_tiles_cover_all_that_is_not_masked_and_are_no_larger_than_the_network_likes(
    width: int, height: int
) -> None:
    inside = np.ones((height, width), np.bool_)
    seen = np.zeros_like(inside)
    for left, top, right, bottom in tiles_of(inside):
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert max(right - left, bottom - top) <= TILE
        seen[top:bottom, left:right] = True
    assert seen.all()
    assert tiles_of(np.zeros((height, width), np.bool_)) == []


def test_the_networks_numbers_become_a_box_in_the_pictures_own_pixels() -> None:
    scores, boxes = np.full((1, 512, 1), -9.0, np.float32), np.zeros((1, 512, 16), np.float32)
    row, column, candidate = 3, 5, 1
    place = (row * 16 + column) * 2 + candidate
    scores[0, place] = 9.0
    boxes[0, place, :4] = (4.0, -2.0, 32.0, 64.0)
    none = (np.full((1, 384, 1), -9.0, np.float32), np.zeros((1, 384, 16), np.float32))
    (box,) = boxes_in((scores, none[0], boxes, none[1]), scale=0.5)
    assert box == FaceBox((92 - 16) * 2.0, (54 - 32) * 2.0, (92 + 16) * 2.0, (54 + 32) * 2.0)
