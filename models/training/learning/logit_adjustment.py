"""Logit adjustment: favour the rarer categories if that costs almost no accuracy.

A classifier prefers what it saw most often. The correction is chosen by cross-validation on the training
photos: there are thousands of them, but few in the calibration split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from models.pipeline import probabilities
from models.training.evaluation.measure import accuracy, confusion
from models.training.learning.head import HeadShop
from models.training.learning.samples import Samples

FOLDS = 3
ADJUSTMENTS = np.arange(13) / 10
"""In logits: 0 leaves a category as it is, 0.7 doubles its odds."""
COST = 0.001
"""Largest loss of accuracy, as a share of all photos."""


def fold_of(group: str) -> int:
    """Return the fold of a group of similar photos, by its digest."""
    return hashlib.sha256(group.encode()).digest()[0] % FOLDS


def out_of_fold(
    features: Sequence[NDArray[np.float32]], samples: Samples, folds: NDArray[np.int64], shop: HeadShop
) -> NDArray[np.float32]:
    """Return (photos, labels) logits: the mean over networks of heads fitted without the photo's fold.

    `features` has one (photos, features) array for each network; `folds` is (photos,).
    """
    found = np.zeros(samples.allowed.shape, np.float32)
    for fold in range(FOLDS):
        own = folds == fold
        for seen in features:
            head = shop.fit(seen[~own], samples.allowed[~own], samples.weights[~own])
            found[own] += head.logits(seen[own]) / len(features)
    return found


def choose_adjustment(
    logits: NDArray[np.floating], truth: NDArray[np.int64], groups: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Choose what to add to the logits of each category (4,), so that the worst recall becomes best.

    The most common category gets 0, and accuracy falls by at most COST. `groups` is the (labels, 4)
    membership.
    """
    coarse = probabilities(logits, 1.0) @ groups
    least = accuracy(confusion(coarse, truth)) - COST
    common = int(np.bincount(truth, minlength=groups.shape[1]).argmax())
    ranges = [[0.0] if column == common else ADJUSTMENTS for column in range(groups.shape[1])]
    adjustments = [np.array(one) for one in product(*ranges)]
    return max(adjustments, key=lambda one: _worth(coarse * np.exp(one), truth, least))


def _worth(coarse: NDArray[np.float64], truth: NDArray[np.int64], least: float) -> tuple[float, float]:
    """Rank by the worst recall, then the mean recall; rank last if accuracy falls below `least`."""
    counts = confusion(coarse, truth)
    if accuracy(counts) < least:
        return (-1.0, -1.0)
    totals = counts.sum(axis=1)
    recalls = np.diag(counts)[totals > 0] / totals[totals > 0]
    return (float(recalls.min()), float(recalls.mean()))
