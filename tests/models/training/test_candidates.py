from __future__ import annotations

from itertools import count

import numpy as np
import pytest

from models.bundle import Thresholds, load_bundle
from models.pipeline import CATEGORIES, probabilities
from models.training.bundling.candidates import CalibrationLogits, Candidate, candidate, choose, speeds
from models.training.domain_shift.leave_one_out import LeftOut

GROUPS = np.vstack([np.eye(4), np.zeros((1, 4))])
"""Four labels, one for each category, and one for no waste."""


def ready(precision: str, accuracy: float, milliseconds: float) -> Candidate:
    times = {1: 2 * milliseconds, 2: milliseconds}
    return Candidate(precision, b"", 1.0, Thresholds(sure=0.9, empty=0.5), accuracy, times)


@pytest.mark.parametrize(
    ("accuracy", "milliseconds", "shipped"),
    [
        (0.97, 10.0, "int8"),
        (0.966, 10.0, "int8"),
        (0.964, 10.0, "float"),
        (0.99, 30.0, "float"),
    ],
    ids=["as good and quicker", "a little worse", "too much worse", "better but slower, within half a point"],
)
def test_the_faster_model_is_shipped_unless_it_loses_more_than_half_a_point(
    accuracy: float, milliseconds: float, shipped: str
) -> None:
    slow = ready("float", 0.97 if accuracy < 0.98 else 0.987, 20.0)
    assert choose([slow, ready("int8", accuracy, milliseconds)]).precision == shipped


def test_a_candidates_temperature_and_thresholds_come_from_held_out_photos() -> None:
    rng = np.random.default_rng(3)
    honest = np.column_stack([rng.normal(0, 3, (3000, 4)), np.full(3000, -20.0)]).astype(np.float32)
    shares = probabilities(honest, 1.0)
    truth = (shares[:, :4].cumsum(axis=1) > rng.random((3000, 1))).argmax(axis=1)
    scenes = np.tile(np.array([0, 0, 0, 0, 4], np.float32), (20, 1))
    found = candidate("float", b"x", CalibrationLogits(3 * honest, truth, 3 * scenes), GROUPS, 0.01, {1: 1.0})
    assert found.temperature == pytest.approx(3, rel=0.1)
    coarse = found.coarse(3 * honest, GROUPS)
    ok = coarse.max(axis=1) >= found.thresholds.sure
    assert ok.any()
    assert (coarse.argmax(axis=1) != truth)[ok].mean() <= 0.01
    assert found.coarse(3 * scenes, GROUPS).max() < found.thresholds.sure


def test_speeds_are_measured_in_turns() -> None:
    clock = count(start=0.0, step=0.002)
    first, second = speeds([load_bundle().model] * 2, clock=lambda: next(clock))
    assert first == second == {1: 2.0, 2: 2.0}


def test_left_out_sources_name_categories_as_the_wire_does() -> None:
    row = LeftOut("trashnet", 3, 1.0, {str(CATEGORIES[0]): 1.0})
    assert row.recall == {"recyclable": 1.0}
