"""Train a model in one command: photos in, a bundle out. Finished work is cached for the next run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.bundle import Manifest
from models.pipeline import CATEGORIES
from models.training.bundling.package import TARGET_ERROR, Trained, Workspace, package
from models.training.dataset.photo import Photo
from models.training.dataset.photos import Split, read_photos, split
from models.training.dataset.taxonomy import Taxonomy, load_taxonomy
from models.training.domain_shift.measure import DomainShift, domain_shift
from models.training.learning.backbone import (
    COMPANION_SIZE,
    CUT,
    INPUT_SIZE,
    Conv,
    companion_layers,
    imagenet_layers,
)
from models.training.learning.export import Tower
from models.training.learning.head import HeadShop
from models.training.learning.learn import Begun, Shares, begin, features_of, finish, share_out
from models.training.learning.logit_adjustment import choose_adjustment, fold_of, out_of_fold
from models.training.learning.samples import DISTRUST, membership
from models.training.learning.training_features import (
    Extractors,
    TrainingFeatures,
    companion_store,
    extract_features,
    trunk_store,
)
from models.training.learning.tune import Crown, Schedule
from models.training.learning.views import recipe
from models.training.progress import progress

SCHEDULE = Schedule(steps=700)


@dataclass(frozen=True, slots=True)
class Plan:
    """A run's settings: how many empty scenes to generate, and how long to tune."""

    scenes: int = 875
    schedule: Schedule = SCHEDULE


def train(workspace: Workspace, plan: Plan) -> Manifest:
    """Make a bundle in `workspace.out`; a stopped run resumes from `workspace.cache`."""
    taxonomy = load_taxonomy()
    groups = membership(taxonomy)  # refuse unknown labels now, not in half an hour
    photos = read_photos(workspace.photos)
    dealt = split(photos, taxonomy)
    layers, companion = imagenet_layers(), companion_layers()
    with progress() as bar:
        extractors = Extractors(
            trunk_store(layers, workspace.cache, workspace.threads),
            companion_store(companion, workspace.cache, workspace.threads),
            bar,
        )
        seen = extract_features(dealt, workspace.photos, plan.scenes, taxonomy, extractors)
        begun = _begin(seen, layers, dealt[Split.TRAIN], taxonomy, workspace)
        shift = _domain_shift(seen, begun, layers, dealt[Split.TRAIN], taxonomy, workspace)
        left_out, curves = shift.left_out(), shift.curves(bar)
        advance = bar("tuning", plan.schedule.steps)
        kept = workspace.cache / f"tuned-{_digest(begun, plan)}.pt"
        tuned = finish(begun, plan.schedule, kept, workspace.threads, lambda steps, _: advance(steps))
        shares = share_out(begun, tuned, seen, groups, workspace.threads)
        adjustment = _logit_adjustment(
            seen, begun, dealt[Split.TRAIN], taxonomy, HeadShop(workspace.cache, workspace.threads)
        )
        towers = _towers((layers, companion), begun, tuned, shares, groups @ adjustment)
        counts = {**_counts(dealt, begun, plan, shares), "adjustment": _adjustment_text(adjustment)}
        trained = Trained(towers, dealt, photos, left_out, curves, counts)
        return package(trained, taxonomy, workspace, bar)


def _begin(
    seen: TrainingFeatures,
    layers: Sequence[Conv],
    photos: Sequence[Photo],
    taxonomy: Taxonomy,
    workspace: Workspace,
) -> Begun:
    distrusted = np.array([taxonomy.is_distrusted(photo) for photo in photos])
    return begin(seen, layers[CUT:], distrusted, workspace.cache, workspace.threads)


def _towers(
    layers: tuple[Sequence[Conv], Sequence[Conv]],
    begun: Begun,
    tuned: Crown,
    shares: Shares,
    adjustment: NDArray[np.float64],
) -> tuple[Tower, Tower]:
    """Return Lite2 with the crowns whose share is not zero, and its companion; their logits are summed.

    `adjustment` (labels,) is added to the sum.
    """
    trunk, companion = layers[0][:CUT], layers[1]
    said = ((begun.crown, 1 - shares.tuned), (tuned, shares.tuned))
    first, *forks = (
        Crown(crown.layers, crown.head.scaled((1 - shares.companion) * share))
        for crown, share in said
        if share
    )
    return (
        Tower((*trunk, *first.layers), first.head.shifted(adjustment), INPUT_SIZE, tuple(forks)),
        Tower(companion, begun.companion.scaled(shares.companion), COMPANION_SIZE),
    )


def _logit_adjustment(
    seen: TrainingFeatures,
    begun: Begun,
    photos: Sequence[Photo],
    taxonomy: Taxonomy,
    shop: HeadShop,
) -> NDArray[np.float64]:
    """Choose what to add to each category's logits, from training photos with trusted labels."""
    companion = seen.companion.taken.rows(range(len(photos)))
    folds = np.array([fold_of(str(photo.group)) for photo in photos])
    logits = out_of_fold((begun.features, companion), begun.lessons.parts[0], folds, shop)
    trusted = np.array([not taxonomy.is_distrusted(photo) for photo in photos])
    return choose_adjustment(logits[trusted], seen.taken.truth[trusted], membership(taxonomy))


def _domain_shift(
    seen: TrainingFeatures,
    begun: Begun,
    layers: Sequence[Conv],
    photos: Sequence[Photo],
    taxonomy: Taxonomy,
    workspace: Workspace,
) -> DomainShift:
    held = features_of(layers[CUT:], seen.held, workspace.cache, workspace.threads)
    samples = begun.lessons.parts[0], seen.held
    shop = HeadShop(workspace.cache, workspace.threads)
    return domain_shift((begun.features, held), samples, photos, taxonomy, shop)


def _digest(begun: Begun, plan: Plan) -> str:
    """Digest everything that tuning depends on, so that another run's checkpoint is not used."""
    weights = np.round(
        begun.lessons.weights / begun.lessons.weights.max(), 4
    )  # sums differ in the last digits
    digest = repr(plan).encode() + recipe().encode() + begun.lessons.allowed.tobytes() + weights.tobytes()
    return hashlib.sha256(digest).hexdigest()[:16]


def _counts(dealt: dict[Split, list[Photo]], begun: Begun, plan: Plan, shares: Shares) -> dict[str, str]:
    """Return this run's inputs and choices for the model card."""
    return {
        "train": str(len(dealt[Split.TRAIN]) - begun.dropped),
        "calibration": str(len(dealt[Split.CALIBRATION])),
        "dropped": str(begun.dropped),
        "tuning": _tuning(plan.schedule, shares.tuned),
        "mix": f"{shares.companion:.0%}",
        "scenes": str(plan.scenes),
        "distrust": f"{DISTRUST:g}",
        "target_error": f"{TARGET_ERROR:.0%}",
    }


def _adjustment_text(adjustment: NDArray[np.float64]) -> str:
    return ", ".join(f"{category} {by:+.1f}" for category, by in zip(CATEGORIES, adjustment, strict=True))


def _tuning(schedule: Schedule, share: float) -> str:
    if not schedule.steps:
        return "Not done in this run (`--steps 0`): both networks are as ImageNet made them."
    return (
        f"Lite2's last 16 convolutions and its layer tuned for {schedule.steps} steps of {schedule.batch} "
        "(AdamW, steps in proportion to each tensor's size, activations mixed in pairs). Both crowns, this "
        f"one and the one of step 4, use the same trunk, and this one has {share:.0%} of their "
        "logits: the share with the lowest negative log-likelihood (NLL) on the calibration photos, as taken "
        "and laid down."
    )
