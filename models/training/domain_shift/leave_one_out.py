"""Leave-one-source-out: estimate accuracy at a site of which the model has no photos."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.pipeline import probabilities
from models.training.evaluation.measure import accuracy, confusion, recall
from models.training.learning.head import HeadShop


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Accuracy on a source that the model never saw; `recall` has the categories that the source has."""

    source: str
    photos: int
    accuracy: float
    recall: dict[str, float]


@dataclass(frozen=True, slots=True)
class LabelledFeatures:
    """Photos as features: (n, features), allowed (n, labels), truth (n,), weights (n,), sources (n,)."""

    features: NDArray[np.float32]
    allowed: NDArray[np.bool_]
    truth: NDArray[np.int64]
    weights: NDArray[np.float64]
    sources: NDArray[np.str_]


def leave_one_out(
    table: LabelledFeatures,
    measured: NDArray[np.bool_],
    groups: NDArray[np.float64],
    shop: HeadShop,
    advance: Callable[[int], None] = lambda _: None,
) -> list[LeftOut]:
    """Fit a head without each source in turn, and measure it on that source's `measured` (n,) photos.

    `groups` is the (labels, 4) membership. Sources without a measured photo are skipped.
    """
    found = []
    for source in sorted(set(table.sources[measured].tolist())):
        without = table.sources != source
        own = measured & ~without
        if without.any():
            head = shop.fit(table.features[without], table.allowed[without], table.weights[without])
            coarse = probabilities(head.logits(table.features[own]), 1.0) @ groups
            counts = confusion(coarse, table.truth[own])
            shares = {str(name): share for name, share in recall(counts).items()}
            found.append(LeftOut(source, int(own.sum()), accuracy(counts), shares))
        advance(1)
    return found
