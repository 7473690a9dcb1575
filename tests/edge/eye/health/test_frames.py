"""Which frames cannot be used or show nothing, and when that is a fault."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.eye.health.frames import CLEAR_S, HOLD_S, FrameHealth, flaw_of
from edge.faults import FaultCode
from tests.edge.eye.scene import Scene

TORN, DARK, COVERED = FaultCode.CAMERA_TORN, FaultCode.CAMERA_DARK, FaultCode.CAMERA_COVERED


def torn() -> NDArray[np.uint8]:
    picture = Scene().picture()
    picture[60:] = 128
    return picture


def dark() -> NDArray[np.uint8]:
    scene = Scene()
    scene.light, scene.noise = 0.02, 2.0
    return scene.picture()


def covered() -> NDArray[np.uint8]:
    return np.clip(np.random.default_rng(0).normal(90, 4, (120, 160, 3)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("picture", "flaw"),
    [
        (Scene().picture(), None),
        (np.zeros((0, 0, 3), np.uint8), TORN),
        (np.zeros((1, 1, 3), np.uint8), TORN),
        (np.zeros((120, 160), np.uint8), TORN),
        (np.zeros((4320, 7680, 3), np.uint8), TORN),
        (torn(), TORN),
        (dark(), DARK),
        (covered(), COVERED),
    ],
)
def test_each_flaw_is_told_while_a_lid_is_open(picture: NDArray[np.uint8], flaw: FaultCode | None) -> None:
    assert flaw_of(picture, is_open=True) is flaw


def test_a_shut_bin_may_be_dark_or_plain() -> None:
    assert flaw_of(dark(), is_open=False) is None
    assert flaw_of(covered(), is_open=False) is None


@pytest.mark.parametrize("thrown", [1, 2, 3])
def test_a_full_tray_is_no_flaw(thrown: int) -> None:
    scene = Scene()
    for number in range(thrown):
        scene.put((0.0, number / 3, 1.0, (number + 1) / 3), (40 + 60 * number, 90, 200 - 60 * number))
    assert flaw_of(scene.picture(), is_open=True) is None


@pytest.mark.parametrize("flaw", [TORN, DARK, COVERED])
def test_a_flaw_is_a_fault_after_three_seconds_and_ends_after_one_good_second(flaw: FaultCode) -> None:
    health = FrameHealth()
    for at in (0.0, HOLD_S - 0.1):
        health = health.look(flaw, at, is_open=True)
    assert health.faults == frozenset()
    health = health.look(flaw, HOLD_S, is_open=True)
    assert health.faults == {flaw}
    health = health.look(None, 4.0, is_open=True).look(None, 4.0 + CLEAR_S - 0.1, is_open=True)
    assert health.faults == {flaw}
    assert health.look(None, 4.0 + CLEAR_S, is_open=True).faults == frozenset()


def test_a_shut_lid_neither_ends_nor_begins_a_fault_of_the_light() -> None:
    health = FrameHealth().look(DARK, 0.0, is_open=True).look(DARK, HOLD_S, is_open=True)
    for at in (4.0, 9.0):
        health = health.look(None, at, is_open=False)
    assert health.faults == {DARK}


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_a_flaw_that_comes_and_goes_is_no_fault(flawed: list[bool]) -> None:
    health = FrameHealth()
    for number, is_flawed in enumerate(flawed):
        for part, flaw in ((0.0, DARK if is_flawed else None), (0.5, None)):
            health = health.look(flaw, number + part, is_open=True)
        assert health.faults == frozenset()
