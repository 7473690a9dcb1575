"""Leaning towards the rarer categories, as far as it costs next to nothing: learned from training photos.

A classifier prefers what it saw most. How far to lean against that is read from photos that each judge
never saw: heads fitted to the other folds. Thousands of them say more than the few of the calibration split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from models.pipeline import probabilities
from models.training.head import HeadShop
from models.training.measure import accuracy, confusion
from models.training.samples import Samples

FOLDS = 3
LEANINGS = np.arange(13) / 10
"""In logits: 0 leaves a category as it is, 0.7 doubles its odds."""
COST = 0.001
"""So much accuracy may go, as a share of all photos."""


def fold_of(group: str) -> int:
    """The fold of a group of photos that look alike: always the same one."""
    return hashlib.sha256(group.encode()).digest()[0] % FOLDS


def out_of_fold(
    features: Sequence[NDArray[np.float32]], samples: Samples, folds: NDArray[np.int64], shop: HeadShop
) -> NDArray[np.float32]:
    """Give (photos, labels) logits, the mean of one head a network, each fitted without the photo's own fold.

    `features` are (photos, features), one array a network; `folds` (photos,).
    """
    found = np.zeros(samples.allowed.shape, np.float32)
    for fold in range(FOLDS):
        own = folds == fold
        for seen in features:
            head = shop.fit(seen[~own], samples.allowed[~own], samples.weights[~own])
            found[own] += head.logits(seen[own]) / len(features)
    return found


def leaning(
    logits: NDArray[np.floating], truth: NDArray[np.int64], groups: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Choose what to add to the logits of each category, (4,): the least found category gains most.

    The commonest stays as it is, and accuracy falls by COST at most. `groups` is the (labels, 4) membership.
    """
    coarse = probabilities(logits, 1.0) @ groups
    least = accuracy(confusion(coarse, truth)) - COST
    common = int(np.bincount(truth, minlength=groups.shape[1]).argmax())
    ranges = [[0.0] if column == common else LEANINGS for column in range(groups.shape[1])]
    leanings = [np.array(one) for one in product(*ranges)]
    return max(leanings, key=lambda one: _worth(coarse * np.exp(one), truth, least))


def _worth(coarse: NDArray[np.float64], truth: NDArray[np.int64], least: float) -> tuple[float, float]:
    """The worst recall, then the mean of all; nothing where accuracy falls below the least."""
    counts = confusion(coarse, truth)
    if accuracy(counts) < least:
        return (-1.0, -1.0)
    totals = counts.sum(axis=1)
    recalls = np.diag(counts)[totals > 0] / totals[totals > 0]
    return (float(recalls.min()), float(recalls.mean()))
