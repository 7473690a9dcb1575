"""Filter photos of distrusted sources: drop those that a model of the trusted sources contradicts.

The idea of confident learning (arXiv 1911.00068) in its simplest form: a model never filters photos that it
was trained on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.pipeline import probabilities
from models.training.learning.head import HeadShop

CONTRADICTED = 0.1
"""A photo is left out of training if the judging model gives its own category less than this."""


def contradicted(
    features: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    weights: NDArray[np.float64],
    distrusted: NDArray[np.bool_],
    shop: HeadShop,
) -> NDArray[np.bool_]:
    """Return (photos,) the distrusted photos that a head fitted to trusted photos contradicts.

    `features` (photos, features), `allowed` (photos, labels), `weights` (photos,). Trusted photos are False.
    """
    if not distrusted.any() or distrusted.all():
        return np.zeros(len(features), bool)
    trusted = ~distrusted
    judge = shop.fit(features[trusted], allowed[trusted], weights[trusted])
    shares = probabilities(judge.logits(features), 1.0)
    own = np.where(allowed, shares, 0.0).sum(axis=1)
    return np.asarray(distrusted & (own < CONTRADICTED))
