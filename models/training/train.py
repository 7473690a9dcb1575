"""One command's worth of training: photos in, a bundle out. What it has done is kept for the next run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.bundle import Manifest
from models.pipeline import CATEGORIES
from models.training.backbone import COMPANION_SIZE, CUT, INPUT_SIZE, Conv, companion_layers, imagenet_layers
from models.training.elsewhere import Elsewhere, elsewhere
from models.training.export import Tower
from models.training.head import HeadShop
from models.training.lean import fold_of, leaning, out_of_fold
from models.training.learn import Begun, Shares, begin, features_of, finish, share_out
from models.training.photo import Photo
from models.training.photos import Split, read_photos, split
from models.training.progress import progress
from models.training.samples import DISTRUST, membership
from models.training.ship import TARGET_ERROR, Place, Trained, ship
from models.training.sight import Eyes, Sight, companion_store, look, trunk_store
from models.training.taxonomy import Taxonomy, load_taxonomy
from models.training.tune import Crown, Schedule
from models.training.views import recipe

SCHEDULE = Schedule(steps=700)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run depends on beside the photos: how many empty scenes are generated, and how long is tuned."""

    scenes: int = 875
    schedule: Schedule = SCHEDULE


def train(place: Place, plan: Plan) -> Manifest:
    """Make a bundle in `place.out`; work is kept in `place.cache`, so that a stopped run goes on."""
    taxonomy = load_taxonomy()
    groups = membership(taxonomy)  # labels that the rules do not know are refused now, not in half an hour
    photos = read_photos(place.photos)
    dealt = split(photos, taxonomy)
    layers, companion = imagenet_layers(), companion_layers()
    with progress() as bar:
        eyes = Eyes(
            trunk_store(layers, place.cache, place.threads),
            companion_store(companion, place.cache, place.threads),
            bar,
        )
        sight = look(dealt, place.photos, plan.scenes, taxonomy, eyes)
        begun = _begin(sight, layers, dealt[Split.TRAIN], taxonomy, place)
        away = _elsewhere(sight, begun, layers, dealt[Split.TRAIN], taxonomy, place)
        left_out, curves = away.left_out(), away.curves(bar)
        advance = bar("tuning", plan.schedule.steps)
        kept = place.cache / f"tuned-{_digest(begun, plan)}.pt"
        tuned = finish(begun, plan.schedule, kept, place.threads, lambda steps, _: advance(steps))
        shares = share_out(begun, tuned, sight, groups, place.threads)
        lean = _lean(sight, begun, dealt[Split.TRAIN], taxonomy, HeadShop(place.cache, place.threads))
        towers = _towers((layers, companion), begun, tuned, shares, groups @ lean)
        counts = {**_counts(dealt, begun, plan, shares), "lean": _leaning(lean)}
        trained = Trained(towers, dealt, photos, left_out, curves, counts)
        return ship(trained, taxonomy, place, bar)


def _begin(
    sight: Sight, layers: Sequence[Conv], photos: Sequence[Photo], taxonomy: Taxonomy, place: Place
) -> Begun:
    distrusted = np.array([taxonomy.is_distrusted(photo) for photo in photos])
    return begin(sight, layers[CUT:], distrusted, place.cache, place.threads)


def _towers(
    layers: tuple[Sequence[Conv], Sequence[Conv]],
    begun: Begun,
    tuned: Crown,
    shares: Shares,
    lean: NDArray[np.float64],
) -> tuple[Tower, Tower]:
    """Lite2 with the crowns that have a say, and its companion; their logits add up to the mixture.

    `lean` (labels,) is added to it.
    """
    trunk, companion = layers[0][:CUT], layers[1]
    said = ((begun.crown, 1 - shares.tuned), (tuned, shares.tuned))
    first, *forks = (
        Crown(crown.layers, crown.head.scaled((1 - shares.beside) * share)) for crown, share in said if share
    )
    return (
        Tower((*trunk, *first.layers), first.head.shifted(lean), INPUT_SIZE, tuple(forks)),
        Tower(companion, begun.beside.scaled(shares.beside), COMPANION_SIZE),
    )


def _lean(
    sight: Sight, begun: Begun, photos: Sequence[Photo], taxonomy: Taxonomy, shop: HeadShop
) -> NDArray[np.float64]:
    """Choose how far to lean to each category, by training photos whose labels are trusted."""
    beside = sight.beside.taken.rows(range(len(photos)))
    folds = np.array([fold_of(str(photo.group)) for photo in photos])
    logits = out_of_fold((begun.features, beside), begun.lessons.parts[0], folds, shop)
    trusted = np.array([not taxonomy.is_distrusted(photo) for photo in photos])
    return leaning(logits[trusted], sight.taken.truth[trusted], membership(taxonomy))


def _elsewhere(
    sight: Sight,
    begun: Begun,
    layers: Sequence[Conv],
    photos: Sequence[Photo],
    taxonomy: Taxonomy,
    place: Place,
) -> Elsewhere:
    held = features_of(layers[CUT:], sight.held, place.cache, place.threads)
    samples = begun.lessons.parts[0], sight.held
    shop = HeadShop(place.cache, place.threads)
    return elsewhere((begun.features, held), samples, photos, taxonomy, shop)


def _digest(begun: Begun, plan: Plan) -> str:
    """Name all that tuning depends on, so that a checkpoint is not taken for another run's."""
    weights = np.round(
        begun.lessons.weights / begun.lessons.weights.max(), 4
    )  # sums differ in the last digits
    told = repr(plan).encode() + recipe().encode() + begun.lessons.allowed.tobytes() + weights.tobytes()
    return hashlib.sha256(told).hexdigest()[:16]


def _counts(dealt: dict[Split, list[Photo]], begun: Begun, plan: Plan, shares: Shares) -> dict[str, str]:
    """Tell the model card what this run was fed and what it chose."""
    return {
        "train": str(len(dealt[Split.TRAIN]) - begun.dropped),
        "calibration": str(len(dealt[Split.CALIBRATION])),
        "dropped": str(begun.dropped),
        "tuning": _tuning(plan.schedule, shares.tuned),
        "mix": f"{shares.beside:.0%}",
        "scenes": str(plan.scenes),
        "distrust": f"{DISTRUST:g}",
        "target_error": f"{TARGET_ERROR:.0%}",
    }


def _leaning(lean: NDArray[np.float64]) -> str:
    return ", ".join(f"{category} {by:+.1f}" for category, by in zip(CATEGORIES, lean, strict=True))


def _tuning(schedule: Schedule, share: float) -> str:
    if not schedule.steps:
        return "Not done in this run (`--steps 0`): both networks are as ImageNet made them."
    return (
        f"Lite2's last 16 convolutions and its layer tuned for {schedule.steps} steps of {schedule.batch} "
        "(AdamW, steps in proportion to each tensor's size, activations mixed in pairs). Both crowns, this "
        f"one and the one of step 4, stand over the same trunk, and this one has {share:.0%} of their "
        "logits: the share that surprised least on the calibration photos, as taken and laid down."
    )
