from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from models.pipeline import probabilities
from models.training.evaluation import measure
from models.training.evaluation.evaluate import evaluation_of

some_coarse = arrays(np.float64, (30, 4), elements=st.floats(0.001, 1)).map(
    lambda rows: rows / rows.sum(axis=1, keepdims=True)
)
some_truth = arrays(np.int64, 30, elements=st.integers(0, 3))

# Two recyclables right, one taken for other; one hazardous right; kitchen and other never shown.
COARSE = np.array([[0.9, 0.0, 0.0, 0.1], [0.8, 0.1, 0.1, 0.0], [0.3, 0.0, 0.1, 0.6], [0.2, 0.7, 0.1, 0.0]])
TRUTH = np.array([0, 0, 0, 1])


def test_figures_of_a_small_example_match_those_computed_by_hand() -> None:
    found = evaluation_of(COARSE, TRUTH)
    assert found.photos == 4
    assert found.accuracy == 0.75
    assert found.recall == {"recyclable": 0.66667, "hazardous": 1.0}
    assert found.macro_f1 == pytest.approx((0.8 + 1.0 + 0.0) / 3, abs=1e-4)
    assert found.confusion["recyclable"] == {"recyclable": 2, "hazardous": 0, "kitchen": 0, "other": 1}
    assert found.coverage_at_1pct_error == 0.75
    assert found.accuracy_at_85pct_coverage == 1.0
    assert found.ece == pytest.approx((0.1 + 0.2 + 0.6 + 0.3) / 4, abs=1e-4)


@given(some_coarse, some_truth)
def test_every_figure_is_a_share_and_the_confusion_counts_all(
    coarse: NDArray[np.float64], truth: NDArray[np.int64]
) -> None:
    found = evaluation_of(coarse, truth)
    shares = (
        found.accuracy,
        found.macro_f1,
        found.ece,
        found.coverage_at_1pct_error,
        found.accuracy_at_85pct_coverage,
    )
    assert all(0 <= share <= 1 for share in shares)
    assert sum(sum(row.values()) for row in found.confusion.values()) == 30


@given(some_coarse, some_truth, st.floats(0, 0.5))
def test_the_surest_photos_within_a_target_error_are_within_it(
    coarse: NDArray[np.float64], truth: NDArray[np.int64], error: float
) -> None:
    coverage = measure.coverage_at(coarse, truth, error)
    if coverage:
        assert 1 - measure.accuracy_at(coarse, truth, coverage + 1e-9) <= error + 1e-9


@given(some_coarse, some_truth)
def test_thresholds_hold_their_target_and_let_no_scene_pass(
    coarse: NDArray[np.float64], truth: NDArray[np.int64]
) -> None:
    scenes = np.full((3, 4), 0.2)
    chosen = measure.choose_thresholds(coarse, truth, scenes, 0.1)
    ok = coarse.max(axis=1) >= chosen.sure
    assert (coarse.argmax(axis=1) != truth)[ok].sum() <= 0.1 * ok.sum()
    assert not (scenes.max(axis=1) >= chosen.sure).any()


def test_a_scene_taken_for_waste_raises_the_threshold_above_it() -> None:
    fooled = np.array([[0.95, 0.0, 0.0, 0.0]])
    assert measure.choose_thresholds(COARSE, TRUTH, fooled, 0.5).sure > 0.95


def test_the_temperature_of_an_overconfident_model_is_found() -> None:
    rng = np.random.default_rng(5)
    honest = rng.normal(0, 2, (4000, 4))
    shares = probabilities(honest, 1.0)
    truth = (shares.cumsum(axis=1) > rng.random((4000, 1))).argmax(axis=1)
    assert measure.fit_temperature(honest * 3, np.eye(4), truth) == pytest.approx(3, rel=0.1)


def test_a_calibrated_model_has_almost_no_calibration_error() -> None:
    rng = np.random.default_rng(6)
    shares = probabilities(rng.normal(0, 2, (20_000, 4)), 1.0)
    truth = (shares.cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1)
    assert measure.calibration_error(shares, truth) < 0.02
    assert measure.calibration_error(shares**3 / (shares**3).sum(axis=1, keepdims=True), truth) > 0.05
