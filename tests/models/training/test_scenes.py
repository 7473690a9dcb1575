from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from models.pictures import decode
from models.pixels import encode_jpeg
from models.runtime import Classifier
from models.training.synthetic.augment import augment
from models.training.synthetic.hands import SIZE, hands
from models.training.synthetic.scenes import empty_scene, empty_scenes
from models.verdict import VerdictState

UNSEEN_SEED = 987_654
"""Not a seed that training drew from."""


def even(colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.full((240, 320, 3), colour, np.uint8)


def tray_by_hand() -> NDArray[np.uint8]:
    """Draw a steel tray without the code that training's scenes come from."""
    y, x = np.mgrid[0:240, 0:320]
    shine = 150 + 40 * np.cos((x - 200) / 160) * np.cos(y / 200)
    rim = np.minimum(np.minimum(x, 319 - x), np.minimum(y, 239 - y)) < 12
    return np.repeat(np.where(rim, shine * 0.5, shine)[:, :, None], 3, axis=2).astype(np.uint8)


def checkerboard() -> NDArray[np.uint8]:
    y, x = np.mgrid[0:240, 0:320]
    return np.repeat(np.where((x // 40 + y // 40) % 2, 200, 170)[:, :, None], 3, axis=2).astype(np.uint8)


BY_HAND = {
    "black": even((0, 0, 0)),
    "white": even((255, 255, 255)),
    "grey": even((127, 127, 127)),
    "steel tray": tray_by_hand(),
    "tiled floor": checkerboard(),
    "noise": np.random.default_rng(8).integers(0, 255, (240, 320, 3)).astype(np.uint8),
}


def test_a_seed_draws_the_same_scenes_again() -> None:
    first, again, other = empty_scenes(6, 1), empty_scenes(6, 1), empty_scenes(6, 2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_a_scene_is_a_picture_of_a_cameras_size() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        scene = empty_scene(rng)
        assert scene.dtype == np.uint8
        assert scene.shape[2] == 3
        assert 180 <= min(scene.shape[:2]) <= max(scene.shape[:2]) <= 320


def test_no_generated_scene_is_taken_for_waste(classifier: Classifier) -> None:
    states = [classifier.classify([scene]).state for scene in empty_scenes(60, UNSEEN_SEED)]
    assert VerdictState.OK not in states
    assert states.count(VerdictState.EMPTY) > 50


def test_a_seed_draws_the_same_hands_again_and_each_hand_differs_from_the_next() -> None:
    first, again = hands(4, 1), hands(4, 1)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in pairwise(first))
    assert {(one.shape, one.dtype) for one in first} == {((SIZE, SIZE, 3), np.dtype(np.uint8))}


def test_no_drawn_hand_is_taken_for_waste(classifier: Classifier) -> None:
    states = [classifier.classify([hand]).state for hand in hands(40, UNSEEN_SEED)]
    assert VerdictState.OK not in states


@pytest.mark.parametrize("name", BY_HAND)
def test_no_other_empty_picture_is_taken_for_waste(classifier: Classifier, name: str) -> None:
    assert classifier.classify([BY_HAND[name]]).state is not VerdictState.OK


def test_an_empty_tray_stays_empty_through_a_jpeg(classifier: Classifier) -> None:
    frames = [decode(encode_jpeg(tray_by_hand(), quality)) for quality in (30, 60, 90)]
    assert classifier.classify(frames).state is not VerdictState.OK


def test_an_augmented_copy_is_a_picture_again_and_the_same_from_the_same_seed() -> None:
    picture = checkerboard()
    for seed in range(20):
        copy = augment(picture, np.random.default_rng(seed))
        assert copy.dtype == np.uint8
        assert copy.shape[2] == 3
        assert min(copy.shape[:2]) >= 100
        assert np.array_equal(copy, augment(picture, np.random.default_rng(seed)))


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 200, 3), (64, 8, 3)])
def test_even_a_tiny_picture_can_be_augmented(shape: tuple[int, int, int]) -> None:
    for seed in range(20):
        assert augment(np.full(shape, 90, np.uint8), np.random.default_rng(seed)).size
