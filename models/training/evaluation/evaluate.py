"""Measure a bundle on labelled photos. Needs no torch, so that it runs at a station too."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from config.errors import InputError
from models.pictures import read_picture
from models.pipeline import CATEGORIES, probabilities
from models.runtime import Classifier
from models.training.dataset.photo import Photo
from models.training.evaluation import measure

BATCH = 8
DIGITS = 5
"""More than is ever shown, so that a figure is rounded only once more."""


class Evaluation(msgspec.Struct, frozen=True):
    """What `tongzhan model evaluate --json` prints; shares from 0 to 1.

    `confusion[true][predicted]` counts photos by their likeliest category, ignoring thresholds.
    """

    photos: int
    accuracy: float
    macro_f1: float
    recall: dict[str, float]
    ece: float
    coverage_at_1pct_error: float
    accuracy_at_85pct_coverage: float
    confusion: dict[str, dict[str, int]]


def truth_of(photos: Sequence[Photo]) -> NDArray[np.int64]:
    """Return (photos,) column numbers of the true categories, in the order of `CATEGORIES`."""
    return np.array([CATEGORIES.index(photo.category) for photo in photos], np.int64)


def coarse_probabilities(
    classifier: Classifier, photos: Sequence[Photo], advance: Callable[[int], None] = lambda _: None
) -> NDArray[np.float64]:
    """Return (photos, 4) calibrated probabilities of the categories, in the order of `CATEGORIES`.

    InputError if there are no photos; PictureError names a file that is not a picture.
    """
    if not photos:
        raise InputError("no photos to evaluate", "name photos of which some are in that split")
    rows = []
    for start in range(0, len(photos), BATCH):
        pictures = [read_picture(photo.path) for photo in photos[start : start + BATCH]]
        rows.append(classifier.logits(pictures))
        advance(len(pictures))
    fine = probabilities(np.concatenate(rows), classifier.rules.temperature)
    coarse: NDArray[np.float64] = fine @ classifier.rules.membership()
    return coarse


def evaluation_of(coarse: NDArray[np.float64], truth: NDArray[np.int64]) -> Evaluation:
    """Measure (photos, 4) probabilities against the true columns."""
    counts = measure.confusion(coarse, truth)
    return Evaluation(
        photos=len(truth),
        accuracy=round(measure.accuracy(counts), DIGITS),
        macro_f1=round(measure.macro_f1(counts), DIGITS),
        recall={name.value: round(share, DIGITS) for name, share in measure.recall(counts).items()},
        ece=round(measure.calibration_error(coarse, truth), DIGITS),
        coverage_at_1pct_error=round(measure.coverage_at(coarse, truth, 0.01), DIGITS),
        accuracy_at_85pct_coverage=round(measure.accuracy_at(coarse, truth, 0.85), DIGITS),
        confusion={
            name.value: {other.value: int(counts[i, j]) for j, other in enumerate(CATEGORIES)}
            for i, name in enumerate(CATEGORIES)
        },
    )
