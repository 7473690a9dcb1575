"""Filters photos of distrusted sources: drops those that a model of the trusted sources contradicts.

Confident learning's idea (arXiv 1911.00068) in its simplest form: no model filters photos that it saw.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.pipeline import probabilities
from models.training.learning.head import HeadShop

CONTRADICTED = 0.1
"""A photo whose own category is given less than this by the judge is left out of training."""


def contradicted(
    features: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    weights: NDArray[np.float64],
    distrusted: NDArray[np.bool_],
    shop: HeadShop,
) -> NDArray[np.bool_]:
    """Say (photos,) which distrusted photos a head fitted to the trusted ones alone calls something else.

    `features` (photos, features), `allowed` (photos, labels), `weights` (photos,). No trusted photo is named.
    """
    if not distrusted.any() or distrusted.all():
        return np.zeros(len(features), bool)
    trusted = ~distrusted
    judge = shop.fit(features[trusted], allowed[trusted], weights[trusted])
    shares = probabilities(judge.logits(features), 1.0)
    own = np.where(allowed, shares, 0.0).sum(axis=1)
    return np.asarray(distrusted & (own < CONTRADICTED))
