"""All that a training run looks at: each split's photos and scenes, through the trunk, kept on disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.runtime import Network
from models.training.backbone import CUT
from models.training.export import trunk_onnx
from models.training.features import FeatureStore
from models.training.photos import SEED, Split
from models.training.samples import Samples, photo_samples, scene_samples
from models.training.views import View, recipe, see_photos, see_scenes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from models.training.backbone import Conv
    from models.training.photo import Photo
    from models.training.taxonomy import Taxonomy

HELD_SCENES = 0.4
"""Pictures without waste in calibration, for each one in training."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Looks at the photos dealt to training and to calibration, and at pictures without waste.

    `laid` has the photos of `taken` but those of distrusted classes, `held_laid` every other one of `held`.
    """

    taken: Samples
    laid: Samples
    scenes: Samples
    held: Samples
    held_laid: Samples
    held_scenes: Samples


def trunk_store(layers: Sequence[Conv], cache: Path, threads: int) -> FeatureStore:
    """Give the store of the trunk's activations."""
    model = trunk_onnx(layers[:CUT])
    return FeatureStore(Network(model, threads), hashlib.sha256(model).hexdigest() + recipe(), cache)


def look(
    dealt: Mapping[Split, Sequence[Photo]],
    root: Path,
    scenes: int,
    taxonomy: Taxonomy,
    store: FeatureStore,
    progress: Callable[[str, int], Callable[[int], None]],
) -> Sight:
    """Look at everything once. `progress(what, total)` gives a function to be told of steps done."""

    def photos(what: str, chosen: Sequence[Photo], view: View) -> Samples:
        kept = see_photos(chosen, view, root, store, progress(what, len(chosen)))
        return photo_samples(chosen, kept, taxonomy)

    def empty(what: str, count: int, part: Split) -> Samples:
        seed = SEED + list(Split).index(part)
        return scene_samples(see_scenes(count, seed, store, progress(what, count)), taxonomy)

    train, held = dealt[Split.TRAIN], dealt[Split.CALIBRATION]
    trusted = [photo for photo in train if not taxonomy.is_distrusted(photo)]
    return Sight(
        taken=photos("training photos", train, View.TAKEN),
        scenes=empty("empty scenes", scenes, Split.TRAIN),
        laid=photos("the same on floors and trays", trusted, View.LAID),
        held=photos("calibration photos", held, View.TAKEN),
        held_laid=photos("the same on floors and trays", held[::2], View.LAID),
        held_scenes=empty("more empty scenes", round(scenes * HELD_SCENES), Split.CALIBRATION),
    )
