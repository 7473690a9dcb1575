"""Measure a model, and choose its temperature and thresholds. Arrays in, numbers out.

`coarse` is always (photos, 4) calibrated probabilities in the order of `CATEGORIES`, `truth` (photos,)
column numbers. A row of `coarse` sums to 1 minus the probability of no waste.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle import Metrics, Thresholds
from models.pipeline import CATEGORIES, probabilities

Probabilities = NDArray[np.float64]
Truth = NDArray[np.int64]

THRESHOLDS = np.arange(10_001) / 10_000
"""Candidates for a threshold; rounded before the choice, so that the manifest has exactly the chosen one."""
BINS = 15
"""Bins of the expected calibration error, as usual."""


def confusion(coarse: Probabilities, truth: Truth) -> NDArray[np.int64]:
    """Count photos by (true, predicted) category, ignoring thresholds."""
    counts = np.zeros((len(CATEGORIES), len(CATEGORIES)), np.int64)
    np.add.at(counts, (truth, coarse.argmax(axis=1)), 1)
    return counts


def accuracy(counts: NDArray[np.int64]) -> float:
    """Return the share of photos on the confusion's diagonal."""
    return float(np.trace(counts) / counts.sum())


def recall(counts: NDArray[np.int64]) -> dict[Any, float]:
    """Return the recall of each category; categories without photos are left out."""
    totals = counts.sum(axis=1)
    return {name: float(counts[i, i] / totals[i]) for i, name in enumerate(CATEGORIES) if totals[i]}


def macro_f1(counts: NDArray[np.int64]) -> float:
    """Return the mean F1 score of the categories that have photos or were predicted."""
    totals = counts.sum(axis=0) + counts.sum(axis=1)
    return float((2 * np.diag(counts)[totals > 0] / totals[totals > 0]).mean())


def calibration_error(coarse: Probabilities, truth: Truth) -> float:
    """Return the expected calibration error: |confidence - accuracy| in equal bins, weighted by photos."""
    sure, right = coarse.max(axis=1), coarse.argmax(axis=1) == truth
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=sure - right, minlength=BINS)
    return float(np.abs(gaps).sum() / len(truth))


def risk(coarse: Probabilities, truth: Truth) -> tuple[Probabilities, Probabilities]:
    """Return the photos' confidences from surest to least sure, and the error over all up to each."""
    sure = coarse.max(axis=1)
    order = np.argsort(-sure, kind="stable")
    wrong = coarse.argmax(axis=1)[order] != truth[order]
    return sure[order], np.cumsum(wrong) / np.arange(1, len(truth) + 1)


def coverage_at(coarse: Probabilities, truth: Truth, error: float) -> float:
    """Return the largest share of photos, the surest first, of which at most `error` are wrong."""
    within = np.flatnonzero(risk(coarse, truth)[1] <= error)
    return float((within[-1] + 1) / len(truth)) if len(within) else 0.0


def accuracy_at(coarse: Probabilities, truth: Truth, coverage: float) -> float:
    """Return the accuracy over the surest `coverage` of the photos."""
    count = max(1, int(len(truth) * coverage))
    return float(1 - risk(coarse, truth)[1][count - 1])


def fit_temperature(logits: NDArray[np.floating], coarse_of: Probabilities, truth: Truth) -> float:
    """Choose the temperature with the lowest nll of the true categories.

    `coarse_of` is the (labels, 4) membership. A grid search in steps of 2 %: one number needs no optimiser.
    """
    grid = np.exp(np.arange(-1.5, 1.5, 0.02))
    return float(min(grid, key=lambda one: nll(probabilities(logits, one) @ coarse_of, truth)))


def choose_thresholds(
    coarse: Probabilities, truth: Truth, empty_scenes: Probabilities, error: float
) -> Thresholds:
    """Choose the thresholds so that at most `error` of the ok verdicts are wrong, and no scene is ok.

    `empty_scenes` are the `coarse` of pictures without waste. Empty means: likelier empty than not.
    """
    sure, wrong = coarse.max(axis=1)[:, None], (coarse.argmax(axis=1) != truth)[:, None]
    ok = sure >= THRESHOLDS
    fits = ((ok & wrong).sum(axis=0) <= error * ok.sum(axis=0)) & (empty_scenes.max() < THRESHOLDS)
    return Thresholds(sure=float(THRESHOLDS[fits].min(initial=1.0)), empty=0.5)


def summary(coarse: Probabilities, truth: Truth, thresholds: Thresholds) -> Metrics:
    """Measure everything that the manifest states."""
    counts = confusion(coarse, truth)
    ok = (coarse.max(axis=1) >= thresholds.sure) & (1 - coarse.sum(axis=1) < thresholds.empty)
    wrong = coarse.argmax(axis=1) != truth
    return Metrics(
        photos=len(truth),
        accuracy=_round(accuracy(counts)),
        macro_f1=_round(macro_f1(counts)),
        recall={name: _round(share) for name, share in recall(counts).items()},
        ece=_round(calibration_error(coarse, truth)),
        coverage=_round(float(ok.mean())),
        error_when_ok=_round(float(wrong[ok].mean()) if ok.any() else 0.0),
        coverage_at_1pct_error=_round(coverage_at(coarse, truth, 0.01)),
        accuracy_at_85pct_coverage=_round(accuracy_at(coarse, truth, 0.85)),
    )


def nll(coarse: Probabilities, truth: Truth) -> float:
    """Return the mean negative log-likelihood of the true categories, in nats; calibration minimises it."""
    return float(-np.log(coarse[np.arange(len(truth)), truth] + 1e-12).mean())


def _round(share: float) -> float:
    return round(share, 5)  # one digit more than is shown
