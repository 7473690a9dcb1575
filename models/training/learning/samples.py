"""Training samples: views of photos and scenes, with their allowed labels, category and weight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from config.reading.load_sorting import load_sorting
from models.pipeline import CATEGORIES
from models.training.dataset.photo import Photo
from models.training.dataset.taxonomy import Taxonomy
from models.training.learning.feature_store import StoredOutputs

DISTRUST = 0.3
"""Weight of a photo with a distrusted label in training."""
BALANCE = 0.7
"""How much small categories are lifted: 0 not at all, 1 until all categories weigh the same."""
NO_WASTE = -1
"""The category number of a picture without waste."""
BATCH = 16


@dataclass(frozen=True, slots=True)
class Samples:
    """Rows of one view of photos: stored network outputs, allowed (n, labels), truth (n,), weights (n,).

    `truth` is a column of `CATEGORIES`, or NO_WASTE.
    """

    kept: StoredOutputs
    allowed: NDArray[np.bool_]
    truth: NDArray[np.int64]
    weights: NDArray[np.float64]

    def weighing(self, factor: float | NDArray[np.float64] | NDArray[np.bool_]) -> Samples:
        """Return the same rows with other weights."""
        return replace(self, weights=self.weights * factor)


@dataclass(frozen=True, slots=True)
class Together:
    """Several views addressed as one; training draws its batches from it."""

    parts: Sequence[Samples]

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """(rows, labels)."""
        return np.concatenate([part.allowed for part in self.parts])

    @property
    def weights(self) -> NDArray[np.float64]:
        """(rows,)."""
        return np.concatenate([part.weights for part in self.parts])

    def rows(self, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the stored outputs of any rows, in the order given."""
        bounds = np.cumsum([0, *(len(part.kept) for part in self.parts)])
        found: NDArray[np.float32] | None = None
        for part, (first, end) in zip(self.parts, pairwise(bounds), strict=True):
            own = np.flatnonzero((numbers >= first) & (numbers < end))
            values = part.kept.rows(numbers[own] - first) if len(own) else None
            if values is not None:
                found = np.empty((len(numbers), *values.shape[1:]), np.float32) if found is None else found
                found[own] = values
        if found is None:
            raise ValueError("no rows were asked for")
        return found


def photo_samples(photos: Sequence[Photo], kept: StoredOutputs, taxonomy: Taxonomy) -> Samples:
    """Join photos' outputs with labels and weights; lift small categories, lower distrusted labels."""
    truth = np.array([CATEGORIES.index(photo.category) for photo in photos], np.int64)
    counts = np.bincount(truth, minlength=len(CATEGORIES))
    balance = (len(truth) / np.maximum(counts, 1))[truth] ** BALANCE
    trust = np.array([DISTRUST if taxonomy.is_distrusted(photo) else 1.0 for photo in photos])
    return Samples(kept, allowed_labels(photos, taxonomy), truth, balance * trust)


def scene_samples(kept: StoredOutputs, taxonomy: Taxonomy) -> Samples:
    """Join the outputs of pictures without waste with the empty label."""
    allowed = np.zeros((len(kept), len(taxonomy.keys)), bool)
    allowed[:, taxonomy.keys.index(taxonomy.empty)] = True
    return Samples(kept, allowed, np.full(len(kept), NO_WASTE), np.ones(len(kept)))


def through(
    run: Callable[[NDArray[np.float32]], NDArray[np.float32]], kept: StoredOutputs
) -> NDArray[np.float32]:
    """Send all stored outputs of one network through the next one."""
    starts = range(0, len(kept), BATCH)
    return np.concatenate([run(kept.rows(range(i, min(i + BATCH, len(kept))))) for i in starts])


def membership(taxonomy: Taxonomy) -> NDArray[np.float64]:
    """Return the (labels, 4) matrix of the default sorting, which agrees with the photos; empty's row is 0.

    InputError if the sorting rules and the taxonomy do not name the same labels.
    """
    waste = [key for key in taxonomy.keys if key != taxonomy.empty]
    home = dict(zip(waste, load_sorting().categories_of(waste), strict=True))
    rows = [[home.get(key) is column for column in CATEGORIES] for key in taxonomy.keys]
    return np.array(rows, np.float64)


def allowed_labels(photos: Sequence[Photo], taxonomy: Taxonomy) -> NDArray[np.bool_]:
    """Return (n, labels): the labels of each photo's class, or of its category if the class is unknown."""
    columns = {key: number for number, key in enumerate(taxonomy.keys)}
    of_category = membership(taxonomy) > 0
    allowed = np.zeros((len(photos), len(columns)), bool)
    for row, photo in enumerate(photos):
        known = taxonomy.meaning(photo)
        if known is None:
            allowed[row] = of_category[:, CATEGORIES.index(photo.category)]
        else:
            allowed[row, [columns[key] for key in known]] = True
    return allowed
