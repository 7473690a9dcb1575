"""Measure the domain shift of a linear head on ImageNet's features, before any tuning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.training.dataset.photo import Photo
from models.training.dataset.photos import Split, read_photos, split
from models.training.dataset.taxonomy import Taxonomy, load_taxonomy
from models.training.domain_shift.curves import Curves, choices, every_choice, every_share
from models.training.domain_shift.leave_one_out import LabelledFeatures, LeftOut, leave_one_out
from models.training.learning.backbone import CUT, imagenet_layers
from models.training.learning.clean import contradicted
from models.training.learning.head import HeadShop
from models.training.learning.learn import features_of
from models.training.learning.samples import Samples, membership, photo_samples
from models.training.learning.training_features import trunk_store
from models.training.learning.views import View, see_photos
from models.training.progress import Bar


@dataclass(frozen=True, slots=True)
class DomainShift:
    """Training photos as `table`, with their groups as `lots`; `measured` (n,) are those with trusted labels.

    `held` are the calibration photos' features and true columns; `groups` is the (labels, 4) membership.
    """

    table: LabelledFeatures
    lots: Sequence[str]
    measured: NDArray[np.bool_]
    held: tuple[NDArray[np.float32], NDArray[np.int64]]
    groups: NDArray[np.float64]
    shop: HeadShop

    def left_out(self) -> list[LeftOut]:
        """Measure, for each source in turn, a head that saw all the others."""
        return leave_one_out(self.table, self.measured, self.groups, self.shop)

    def curves(self, bar: Bar) -> Curves:
        """Measure the gain of more sources and of more photos; fits about eighty heads, which are cached."""
        advance = bar("heads for every choice of sources", len(choices(self.table)))
        trials = every_choice(self.table, self.measured, self.groups, self.shop, advance)
        drawn = every_share(self.table, self.lots, self.held, self.groups, self.shop)
        return Curves(tuple(trials), tuple(drawn))


def domain_shift(
    features: tuple[NDArray[np.float32], NDArray[np.float32]],
    samples: tuple[Samples, Samples],
    photos: Sequence[Photo],
    taxonomy: Taxonomy,
    shop: HeadShop,
) -> DomainShift:
    """Join features of training and calibration photos with their labels, groups and sources.

    `photos` are the training photos, in the order of `samples[0]`.
    """
    taken, held = samples
    sources = np.array([photo.source for photo in photos])
    # A common scale: heads are cached by their weights, and another caller must find them again.
    weights = np.round(taken.weights / taken.weights.max(), 6)
    return DomainShift(
        table=LabelledFeatures(features[0], taken.allowed, taken.truth, weights, sources),
        lots=[photo.group or str(photo.path) for photo in photos],
        measured=np.array([not taxonomy.is_distrusted(photo) for photo in photos]),
        held=(features[1], held.truth),
        groups=membership(taxonomy),
        shop=shop,
    )


def load_domain_shift(photos_folder: Path, cache: Path, threads: int, bar: Bar) -> DomainShift:
    """Extract the features of a folder's training and calibration photos as `train` does, cleaning included.

    Features in `cache` are not computed again.
    """
    taxonomy, layers = load_taxonomy(), imagenet_layers()
    dealt = split(read_photos(photos_folder), taxonomy)
    store, shop = trunk_store(layers, cache, threads), HeadShop(cache, threads)

    def seen(part: Split) -> Samples:
        advance = bar(f"{part} photos", len(dealt[part]))
        kept = see_photos(dealt[part], View.TAKEN, photos_folder, store, advance)
        return photo_samples(dealt[part], kept, taxonomy)

    train = dealt[Split.TRAIN]
    taken, held = seen(Split.TRAIN), seen(Split.CALIBRATION)
    features, others = (features_of(layers[CUT:], one, cache, threads) for one in (taken, held))
    distrusted = np.array([taxonomy.is_distrusted(photo) for photo in train])
    wrong = contradicted(features, taken.allowed, taken.weights, distrusted, shop)
    return domain_shift((features, others), (taken.weighing(~wrong), held), train, taxonomy, shop)
