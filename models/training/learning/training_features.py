"""Extract and cache the features of a training run: photos and scenes through the frozen networks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.sorting import Category
from models.runtime import Session
from models.training.dataset.photo import Photo
from models.training.dataset.photos import SEED, Split
from models.training.dataset.taxonomy import Taxonomy
from models.training.learning.backbone import COMPANION_SIZE, CUT, Conv
from models.training.learning.export import crown_onnx, trunk_onnx
from models.training.learning.feature_store import FeatureStore, StoredOutputs
from models.training.learning.samples import Samples, photo_samples, scene_samples
from models.training.learning.views import View, recipe, see_photos, see_scenes


@dataclass(frozen=True, slots=True)
class TrainingFeatures:
    """Trunk activations of the training and calibration photos and of pictures without waste.

    `mirrored` has the photos of `taken` in the same order. `laid` has those with trusted labels, and a second
    time their small categories (all but recyclable). `held_laid` has every second photo of `held`.
    """

    taken: Samples
    mirrored: Samples
    laid: tuple[Samples, Samples]
    scenes: Samples
    held: Samples
    held_laid: Samples
    companion: CompanionFeatures


@dataclass(frozen=True, slots=True)
class CompanionFeatures:
    """The companion's features of `taken`, `mirrored`, `scenes` and `held`, in the same order."""

    taken: StoredOutputs
    mirrored: StoredOutputs
    scenes: StoredOutputs
    held: StoredOutputs


def trunk_store(layers: Sequence[Conv], cache: Path, threads: int) -> FeatureStore:
    """Return the store of the trunk's activations."""
    model = trunk_onnx(layers[:CUT])
    return FeatureStore(Session(model, threads), hashlib.sha256(model).hexdigest() + recipe(), cache)


def companion_store(layers: Sequence[Conv], cache: Path, threads: int) -> FeatureStore:
    """Return the store of the companion's features."""
    model = crown_onnx(layers, None, (3, COMPANION_SIZE, COMPANION_SIZE))
    digest = hashlib.sha256(model).hexdigest() + recipe()
    return FeatureStore(Session(model, threads), digest, cache, COMPANION_SIZE)


@dataclass(frozen=True, slots=True)
class Extractors:
    """The two frozen networks; `bar(what, total)` returns a function that takes the number of steps done."""

    trunk: FeatureStore
    companion: FeatureStore
    bar: Callable[[str, int], Callable[[int], None]]


def extract_features(
    dealt: Mapping[Split, Sequence[Photo]],
    root: Path,
    scenes: int,
    taxonomy: Taxonomy,
    extractors: Extractors,
) -> TrainingFeatures:
    """Extract the features of all photos below `root` and of `scenes` generated pictures."""

    def photos(what: str, chosen: Sequence[Photo], view: View) -> Samples:
        kept = see_photos(chosen, view, root, extractors.trunk, extractors.bar(what, len(chosen)))
        return photo_samples(chosen, kept, taxonomy)

    def companion(what: str, chosen: Sequence[Photo], view: View = View.TAKEN) -> StoredOutputs:
        return see_photos(chosen, view, root, extractors.companion, extractors.bar(what, len(chosen)))

    train, held = dealt[Split.TRAIN], dealt[Split.CALIBRATION]
    trusted = [photo for photo in train if not taxonomy.is_distrusted(photo)]
    small = [photo for photo in trusted if photo.category is not Category.RECYCLABLE]
    return TrainingFeatures(
        taken=photos("training photos", train, View.TAKEN),
        mirrored=photos("training photos, mirrored", train, View.MIRRORED),
        scenes=scene_samples(
            see_scenes(scenes, SEED, extractors.trunk, extractors.bar("empty scenes", scenes)), taxonomy
        ),
        laid=(
            photos("the same on floors and trays", trusted, View.LAID),
            photos("the rarer of them once more", small, View.LAID_AGAIN),
        ),
        held=photos("calibration photos", held, View.TAKEN),
        held_laid=photos("the same on floors and trays", held[::2], View.LAID),
        companion=CompanionFeatures(
            taken=companion("training photos, companion", train),
            mirrored=companion("training photos, companion, mirrored", train, View.MIRRORED),
            scenes=see_scenes(
                scenes, SEED, extractors.companion, extractors.bar("empty scenes, companion", scenes)
            ),
            held=companion("calibration photos, companion", held),
        ),
    )
