from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.eye.change_gate import COLUMNS, ROWS, Gate, GateRules, arm, differs, grid_of, look
from tests.edge.eye.scene import Scene

RULES = GateRules()
FRAME_S = 1 / 15
SEEDS = st.integers(0, 2**32 - 1)
BATTERY = (0.5, 0.5, 0.57, 0.6)
BANANA = (0.4, 0.4, 0.7, 0.6)


class Watch:
    """A gate over a scene, with its own time."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.now = 10.0
        self.gate: Gate = arm(self.now)

    def for_s(self, span_s: float) -> int:
        """Look at the scene for so long; how many things were thrown in."""
        found = 0
        for _ in range(round(span_s / FRAME_S)):
            self.now += FRAME_S
            self.gate, changed = look(self.gate, grid_of(self.scene.picture()), self.now, RULES)
            found += changed
        return found


@given(SEEDS)
@settings(max_examples=10)
def test_an_empty_mouth_is_no_deposit_for_all_its_noise(seed: int) -> None:
    scene = Scene(seed)
    scene.noise = 12
    assert Watch(scene).for_s(2) == 0


@pytest.mark.parametrize("place", [BATTERY, BANANA, (0.0, 0.0, 0.9, 0.9), (0.0, 0.0, 1.0, 1.0)])
@pytest.mark.parametrize("colour", [(20, 20, 25), (230, 220, 60), (250, 250, 250)])
def test_a_thing_that_comes_to_rest_is_one_deposit(
    place: tuple[float, float, float, float], colour: tuple[int, int, int]
) -> None:
    watch = Watch(Scene())
    assert watch.for_s(1) == 0
    watch.scene.put(place, colour)
    assert watch.for_s(2) == 1


def test_each_thing_is_a_deposit_of_its_own() -> None:
    watch = Watch(Scene())
    watch.for_s(1)
    watch.scene.put(BANANA, (230, 220, 60))
    assert watch.for_s(1) == 1
    watch.scene.put((0.1, 0.1, 0.3, 0.3), (20, 20, 25))
    assert watch.for_s(1) == 1


def test_a_hand_that_comes_and_goes_leaves_no_deposit() -> None:
    watch = Watch(Scene())
    watch.for_s(1)
    for reach in (0.2, 0.4, 0.6, 0.8, 0.6, 0.4, 0.2):
        watch.scene.put((0.0, 0.3, reach, 0.6), (200, 160, 140))
        assert watch.for_s(0.2) == 0
        watch.scene.take_away()
    assert watch.for_s(2) == 0


def test_a_thing_is_no_deposit_while_it_moves_however_slowly() -> None:
    watch = Watch(Scene())
    watch.for_s(1)
    for step in range(60):
        left = 0.1 + step / 100
        watch.scene.put((left, 0.3, left + 0.2, 0.6), (20, 20, 25))
        assert watch.for_s(FRAME_S) == 0
        watch.scene.take_away()
    watch.scene.put((0.7, 0.3, 0.9, 0.6), (20, 20, 25))
    assert watch.for_s(1) == 1


@given(SEEDS, st.floats(0.35, 1.5))
@settings(max_examples=12)
def test_a_light_that_is_switched_is_no_deposit(seed: int, light: float) -> None:
    watch = Watch(Scene(seed))
    watch.for_s(1)
    watch.scene.light = light
    assert watch.for_s(1) == 0


def test_a_thing_that_falls_as_the_light_changes_is_still_a_deposit() -> None:
    watch = Watch(Scene())
    watch.for_s(1)
    watch.scene.light = 0.6
    watch.scene.put(BANANA, (230, 220, 60))
    assert watch.for_s(2) == 1


def test_what_lay_there_before_the_lid_opened_is_no_deposit() -> None:
    scene = Scene()
    scene.put(BANANA, (230, 220, 60))
    assert Watch(scene).for_s(2) == 0


def test_a_lid_that_still_trembles_is_not_looked_at() -> None:
    watch = Watch(Scene())
    watch.scene.put((0.0, 0.0, 1.0, 0.1), (10, 10, 10))
    watch.for_s(RULES.settle_s / 2)
    watch.scene.take_away()
    assert watch.for_s(2) == 0


@given(st.integers(1, 300), st.integers(1, 300), SEEDS)
@settings(max_examples=50)
def test_a_picture_of_any_size_is_averaged_in_blocks(height: int, width: int, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    grid = grid_of(picture)
    assert grid.shape == (min(ROWS, height), min(COLUMNS, width), 3)
    assert not differs(grid, grid, RULES)
    if height % ROWS == 0 and width % COLUMNS == 0:
        np.testing.assert_allclose(grid.mean(axis=(0, 1)), picture.mean(axis=(0, 1)), rtol=1e-4)


def test_a_block_is_the_mean_of_its_pixels() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (48, 96, 3), dtype=np.uint8)
    assert grid_of(picture)[3, 5] == pytest.approx(picture[6:8, 15:18].reshape(-1, 3).mean(axis=0))
