"""Nothing outside the tray's outline is left of a picture."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.eye.clips.mask import FILL, inside_of, masked, union_of, within

SHARE = st.floats(0, 1)
TRIANGLES = st.lists(st.tuples(SHARE, SHARE), min_size=3, max_size=3)


@given(TRIANGLES, st.integers(1, 40), st.integers(1, 40))
def test_a_pixel_is_inside_a_triangle_exactly_if_it_is_on_one_side_of_all_its_sides(
    corners: list[tuple[float, float]], width: int, height: int
) -> None:
    inside = inside_of(corners, width, height)
    for row in range(height):
        for column in range(width):
            at = ((column + 0.5) / width, (row + 0.5) / height)
            sides = [side(*pair, at) for pair in zip(corners, corners[1:] + corners[:1], strict=True)]
            if all(abs(one) > 1e-9 for one in sides):  # a centre on a side may be either
                assert inside[row, column] == (len({one > 0 for one in sides}) == 1)


def side(a: tuple[float, float], b: tuple[float, float], of: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (of[1] - a[1]) - (b[1] - a[1]) * (of[0] - a[0])


def test_a_polygon_with_a_bay_leaves_the_bay_out() -> None:
    bay = [(0.0, 0.0), (0.4, 0.0), (0.4, 0.6), (0.6, 0.6), (0.6, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    inside = inside_of(bay, 10, 10)
    assert not inside[:6, 4:6].any()
    assert inside.sum() == 100 - 12


def test_outside_everything_is_one_grey_and_inside_nothing_is_changed() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    inside = inside_of([(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)], 64, 48)
    shown = masked(picture, inside)
    assert (shown[~inside] == FILL).all()
    assert (shown[inside] == picture[inside]).all()
    assert inside.sum() == 32 * 24


def test_trays_of_one_camera_are_shown_together_and_none_shows_nothing() -> None:
    left, right = (
        [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)],
        [(0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)],
    )
    assert union_of([left, right], 8, 4).all()
    assert not union_of([], 8, 4).any()


def test_a_tray_is_found_again_in_a_part_of_the_picture() -> None:
    tray = [(0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)]
    whole = inside_of(tray, 100, 100)
    part = inside_of(within(tray, (0.5, 0.0, 1.0, 0.5)), 50, 50)
    assert (whole[:50, 50:] == part).all()
