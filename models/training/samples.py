"""Photos and scenes as arrays: features, the labels each may show, its category, its weight."""

from __future__ import annotations

import hashlib
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from config.load_sorting import load_sorting
from models import pixels
from models.pipeline import CATEGORIES
from models.training import augment, scenes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.training.features import FeatureStore
    from models.training.photo import Photo
    from models.training.taxonomy import Taxonomy

DISTRUST = 0.3
"""How much a photo with a distrusted label counts in training."""
AS_TAKEN = 5.0
"""How much a photo as it was taken counts beside one augmented copy of it.

On the calibration split, copies at this weight gain 4 points on augmented photos and lose 0.2 on photos as
taken; more weight for the copies adds to the loss only.
"""
BALANCE = 0.7
"""How far small categories are lifted: 0 not at all, 1 until every category weighs the same."""
NO_WASTE = -1
"""The category number of a picture without waste."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Rows of one split: features (n, 1280), allowed (n, labels), truth (n,), weights (n,).

    `truth` is a column of `CATEGORIES`, or NO_WASTE.
    """

    features: NDArray[np.float32]
    allowed: NDArray[np.bool_]
    truth: NDArray[np.int64]
    weights: NDArray[np.float64]


def recipe() -> str:
    """Digest the code that draws pictures, so that kept features are not taken for those of other code."""
    drawing = (augment, scenes, pixels.letterbox, pixels.resize)
    sources = "".join(inspect.getsource(code) for code in drawing)
    return hashlib.sha256(sources.encode()).hexdigest()


def gather(
    photos: Sequence[Photo], *, copies: int, root: Path, store: FeatureStore, advance: Callable[[int], None]
) -> NDArray[np.float32]:
    """Give features of the photos, then of `copies` augmented copies of each, one block after the other."""
    blocks = []
    for copy in range(1 + copies):
        names = [f"{photo.path.relative_to(root)} {copy}" for photo in photos]
        blocks.append(store.extract(names, _views(photos, names, augmented=copy > 0), advance))
    return np.concatenate(blocks)


def photo_samples(photos: Sequence[Photo], features: NDArray[np.float32], taxonomy: Taxonomy) -> Samples:
    """Join features of photos (and of their copies, block by block) with what is known of the photos."""
    views = len(features) // len(photos)
    truth = np.array([CATEGORIES.index(photo.category) for photo in photos])
    allowed = allowed_labels(photos, taxonomy)
    shares = np.array([AS_TAKEN] + [1.0] * (views - 1))
    return Samples(
        features=features,
        allowed=np.tile(allowed, (views, 1)),
        truth=np.tile(truth, views),
        weights=np.outer(shares / shares.sum(), _weights(photos, truth, taxonomy)).ravel(),
    )


def with_scenes(samples: Samples, features: NDArray[np.float32], taxonomy: Taxonomy) -> Samples:
    """Append pictures without waste, each weighing as much as a mean row."""
    count = len(features)
    allowed = np.zeros((count, len(taxonomy.keys)), bool)
    allowed[:, taxonomy.keys.index(taxonomy.empty)] = True
    return Samples(
        features=np.concatenate([samples.features, features]),
        allowed=np.concatenate([samples.allowed, allowed]),
        truth=np.concatenate([samples.truth, np.full(count, NO_WASTE)]),
        weights=np.concatenate([samples.weights, np.full(count, samples.weights.mean())]),
    )


def membership(taxonomy: Taxonomy) -> NDArray[np.float64]:
    """Give the (labels, 4) matrix of the default sorting, which agrees with the photos; empty's row is 0.

    InputError if those rules and the taxonomy do not name the same labels.
    """
    waste = [key for key in taxonomy.keys if key != taxonomy.empty]
    home = dict(zip(waste, load_sorting().categories_of(waste), strict=True))
    rows = [[home.get(key) is column for column in CATEGORIES] for key in taxonomy.keys]
    return np.array(rows, np.float64)


def allowed_labels(photos: Sequence[Photo], taxonomy: Taxonomy) -> NDArray[np.bool_]:
    """Give (n, labels): what each photo may show by its class, or by its category if the class is unknown."""
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


def _views(
    photos: Sequence[Photo], names: Sequence[str], *, augmented: bool
) -> Callable[[int], NDArray[np.uint8]]:
    """Draw photo `i`, as it is or as a chamber would show it; its name is its seed."""

    def draw(number: int) -> NDArray[np.uint8]:
        picture = pixels.read_picture(photos[number].path)
        if not augmented:
            return picture
        seed = int.from_bytes(hashlib.sha256(names[number].encode()).digest()[:8])
        return augment.augment(picture, np.random.default_rng(seed))

    return draw


def _weights(photos: Sequence[Photo], truth: NDArray[np.int64], taxonomy: Taxonomy) -> NDArray[np.float64]:
    """Lift small categories, and lower what is distrusted."""
    counts = np.bincount(truth, minlength=len(CATEGORIES))
    balance = (len(truth) / np.maximum(counts, 1))[truth] ** BALANCE
    trust = np.array([DISTRUST if taxonomy.is_distrusted(photo) else 1.0 for photo in photos])
    weights: NDArray[np.float64] = balance * trust
    return weights
