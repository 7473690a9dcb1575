from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.training.synthetic.augment import lay_down
from models.training.synthetic.cutout import cut_out

Rgb = NDArray[np.uint8]


def product_shot(ground: tuple[int, int, int] = (250, 250, 250), height: int = 180, width: int = 240) -> Rgb:
    """Give a red box with its shadow to the right, on an even ground with a camera's noise."""
    picture = np.full((height, width, 3), ground, np.float64)
    picture[60:130, 150:165] *= 0.8
    picture[50:130, 80:150] = (200, 30, 40)
    noise = np.random.default_rng(0).normal(0, 1.5, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def checks() -> Rgb:
    y, x = np.mgrid[0:180, 0:240]
    return np.repeat(np.where((x // 20 + y // 20) % 2, 220, 60)[:, :, None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("ground", [(250, 250, 250), (12, 12, 14), (120, 150, 190)])
def test_a_thing_on_an_even_background_is_cut_out_at_its_edges(ground: tuple[int, int, int]) -> None:
    found = cut_out(product_shot(ground))
    assert found is not None
    covered = found.alpha.sum()
    assert 0.85 * 80 * 70 <= covered <= 1.45 * 80 * 70  # the shadow may count as part of the thing
    inside = found.rgb[found.alpha[:, :, 0] > 0.99]
    assert np.median(inside, axis=0) == pytest.approx([200, 30, 40], abs=6)


def test_a_hole_that_the_background_does_not_reach_stays_part_of_the_thing() -> None:
    ring = product_shot()
    ring[80:100, 105:125] = 250
    found = cut_out(ring)
    assert found is not None
    assert found.alpha[found.alpha.shape[0] // 2, 35, 0] == 1


@pytest.mark.parametrize(
    "picture",
    [
        checks(),
        np.full((180, 240, 3), 200, np.uint8),
        np.random.default_rng(1).integers(0, 255, (180, 240, 3)).astype(np.uint8),
        product_shot()[52:128, 82:148],
    ],
    ids=["uneven ground", "nothing there", "noise", "nothing but the thing"],
)
def test_a_picture_without_an_even_background_or_a_thing_is_left_alone(picture: Rgb) -> None:
    assert cut_out(picture) is None


def test_a_pasted_thing_keeps_its_colour_on_another_background() -> None:
    for seed in range(8):
        laid = lay_down(product_shot(), np.random.default_rng(seed)).astype(float)
        reddest = (laid[:, :, 0] - laid[:, :, 1:].mean(axis=2)).max()
        assert reddest > 25
        corners = laid[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert np.median(corners.mean(axis=1)) < 235


@pytest.mark.parametrize("picture", [product_shot(), checks()], ids=["product", "uneven ground"])
def test_a_copy_is_a_picture_and_the_same_from_the_same_seed(picture: Rgb) -> None:
    for seed in range(6):
        copy = lay_down(picture, np.random.default_rng(seed))
        assert copy.dtype == np.uint8
        assert copy.shape[2] == 3
        assert min(copy.shape[:2]) >= 80
        assert np.array_equal(copy, lay_down(picture, np.random.default_rng(seed)))


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 200, 3), (64, 8, 3)])
def test_even_a_tiny_picture_can_be_pasted(shape: tuple[int, int, int]) -> None:
    assert lay_down(np.full(shape, 90, np.uint8), np.random.default_rng(0)).size
