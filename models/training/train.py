"""One command's worth of training: photos in, a bundle out. What it has done is kept for the next run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.runtime import Network
from models.training.backbone import imagenet_layers
from models.training.export import to_onnx
from models.training.features import FeatureStore
from models.training.head import fit_head
from models.training.photos import SEED, Split, read_photos, split
from models.training.samples import DISTRUST, gather, membership, photo_samples, recipe, with_scenes
from models.training.scenes import empty_scenes
from models.training.ship import TARGET_ERROR, Trained, ship
from models.training.taxonomy import load_taxonomy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.bundle import Manifest
    from models.training.photo import Photo
    from models.training.samples import Samples
    from models.training.taxonomy import Taxonomy

HELD_SCENES = 0.2
"""Pictures without waste in calibration and in test, for each one in training."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a training run depends on, and where it puts its results and what it keeps for the next run.

    `copies` is how many augmented copies each training photo has, `scenes` how many pictures without
    waste are generated for training.
    """

    photos: Path
    out: Path
    cache: Path
    version: str
    threads: int = 2
    copies: int = 1
    scenes: int = 1500


def train(plan: Plan) -> Manifest:
    """Make a bundle in `plan.out`; features are kept in `plan.cache`, so that a stopped run goes on."""
    taxonomy = load_taxonomy()
    membership(taxonomy)  # labels that the rules do not know are refused now, not in half an hour
    photos = read_photos(plan.photos)
    dealt = split(photos, taxonomy)
    layers = imagenet_layers()
    model = to_onnx(layers, None, None)
    digest = hashlib.sha256(model).hexdigest() + recipe()
    store = FeatureStore(Network(model, plan.threads), digest, plan.cache)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns) as progress:
        samples = {part: _samples(part, dealt[part], plan, store, progress, taxonomy) for part in Split}
        chamber = _chamber(dealt[Split.TEST], plan, store, progress, taxonomy)
        fitting = progress.add_task("fitting the classifier", total=1)
        learned = samples[Split.TRAIN]
        head = fit_head(learned.features, learned.allowed, learned.weights, plan.threads)
        progress.advance(fitting)
    trained = Trained(
        layers,
        head,
        samples[Split.CALIBRATION],
        samples[Split.TEST],
        chamber,
        photos,
        _counts(plan, dealt),
    )
    return ship(trained, taxonomy, plan.out, plan.version)


def _counts(plan: Plan, dealt: dict[Split, list[Photo]]) -> dict[str, str]:
    """Tell the model card what this run was fed."""
    return {
        "train": str(len(dealt[Split.TRAIN])),
        "calibration": str(len(dealt[Split.CALIBRATION])),
        "copies": str(plan.copies),
        "scenes": str(plan.scenes),
        "distrust": f"{DISTRUST:g}",
        "target_error": f"{TARGET_ERROR:.0%}",
    }


def _samples(
    part: Split,
    photos: Sequence[Photo],
    plan: Plan,
    store: FeatureStore,
    progress: Progress,
    taxonomy: Taxonomy,
) -> Samples:
    copies = plan.copies if part is Split.TRAIN else 0
    wanted = plan.scenes if part is Split.TRAIN else round(plan.scenes * HELD_SCENES)
    task = progress.add_task(f"seeing {part}", total=len(photos) * (1 + copies) + wanted)

    def advance(count: int) -> None:
        progress.advance(task, count)

    seen = gather(photos, copies=copies, root=plan.photos, store=store, advance=advance)
    seed = SEED + list(Split).index(part)
    scenes = empty_scenes(wanted, seed)
    names = [f"scene {seed} {number}" for number in range(len(scenes))]
    empty = store.extract(names, scenes.__getitem__, advance)
    return with_scenes(photo_samples(photos, seen, taxonomy), empty, taxonomy)


def _chamber(
    photos: Sequence[Photo], plan: Plan, store: FeatureStore, progress: Progress, taxonomy: Taxonomy
) -> Samples:
    """See the test photos once more, as a chamber might show them: measured, never fitted to."""
    task = progress.add_task("seeing test in a chamber", total=2 * len(photos))
    seen = gather(
        photos, copies=1, root=plan.photos, store=store, advance=lambda n: progress.advance(task, n)
    )
    return photo_samples(photos, seen[len(photos) :], taxonomy)
