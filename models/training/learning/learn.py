"""Turn features into a network's crown: clean, fit a linear head, tune, and mix tuned and untuned logits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.pipeline import probabilities
from models.runtime import Session
from models.training.evaluation.measure import fit_temperature, nll
from models.training.learning.backbone import Conv
from models.training.learning.clean import contradicted
from models.training.learning.export import crown_onnx
from models.training.learning.feature_store import StoredOutputs, save_whole
from models.training.learning.head import Head, HeadShop
from models.training.learning.samples import Samples, Together, through
from models.training.learning.training_features import TrainingFeatures
from models.training.learning.tune import Crown, Rows, Schedule, tune

LAID_SHARE, SCENE_SHARE = 0.5, 0.06
"""Total weights of all copies on floors and of all empty scenes; the photos as taken weigh 1."""
MIXES = tuple(tenth / 10 for tenth in range(8))
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Candidates for the tuned crown's share of the logits; the choice is made on the calibration split."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A crown with ImageNet's weights and a fitted head, and the samples for fitting and tuning.

    `companion` is the companion network's head. `features` (photos, 1280) are the crown's for the photos as
    taken; `dropped` counts the distrusted photos that were left out.
    """

    crown: Crown
    companion: Head
    lessons: Together
    features: NDArray[np.float32]
    dropped: int


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the logits: the companion's share of all, and the tuned crown's share of the rest."""

    tuned: float
    companion: float


def begin(
    seen: TrainingFeatures,
    layers: Sequence[Conv],
    distrusted: NDArray[np.bool_],
    cache: Path,
    threads: int,
) -> Begun:
    """Fit the linear heads on ImageNet's features, after dropping contradicted distrusted photos.

    Each photo counts as taken and mirrored. `layers` are the crown's; `distrusted` (photos,) goes with
    `seen.taken`. Features are cached in `cache`. Copies on floors are used only for tuning: a linear head
    that also learns from them does worse on everything else.
    """
    taken, mirrored, shop = seen.taken, seen.mirrored, HeadShop(cache, threads)
    looks = [features_of(layers, one, cache, threads) for one in (taken, mirrored, seen.scenes)]
    wrong = contradicted(looks[0], taken.allowed, taken.weights, distrusted, shop)
    plain = [
        *(_sharing(one.weighing(~wrong), 0.5) for one in (taken, mirrored)),
        _sharing(seen.scenes, SCENE_SHARE),
    ]
    both = Together(plain)
    head = shop.fit(np.concatenate(looks), both.allowed, both.weights)
    companion_outputs = (
        seen.companion.taken,
        seen.companion.mirrored,
        seen.companion.scenes,
    )
    other = np.concatenate([_all(kept) for kept in companion_outputs])
    companion = shop.fit(other, both.allowed, both.weights)
    lessons = Together([*plain, *(_sharing(laid, LAID_SHARE / 2) for laid in seen.laid)])
    return Begun(Crown(tuple(layers), head), companion, lessons, looks[0], int(wrong.sum()))


def finish(
    begun: Begun, schedule: Schedule, kept: Path, threads: int, advance: Callable[[int, float], None]
) -> Crown:
    """Tune the crown unless the schedule has no steps; `kept` is the checkpoint file."""
    if not schedule.steps:
        return begun.crown
    lessons = begun.lessons
    rows = Rows(lessons.rows, lessons.allowed, lessons.weights / lessons.weights.sum())
    return tune(begun.crown, rows, schedule, kept, threads, advance)


def share_out(
    begun: Begun, tuned: Crown, seen: TrainingFeatures, groups: NDArray[np.float64], threads: int
) -> Shares:
    """Choose the shares of both crowns and the companion with the lowest nll on the calibration photos."""
    held = (seen.held, seen.held_laid)
    truths = [one.truth for one in held]
    logits = [run_crown(begun.crown.layers, begun.crown.head, one, threads) for one in held]
    share = 0.0
    if tuned is not begun.crown:
        others = [run_crown(tuned.layers, tuned.head, one, threads) for one in held]
        share = best_share(logits, others, truths, groups)
        logits = [(1 - share) * a + share * b for a, b in zip(logits, others, strict=True)]
    mix = best_mix(logits[0], begun.companion.logits(_all(seen.companion.held)), truths[0], groups)
    return Shares(share, mix)


def best_share(
    plain: Sequence[NDArray[np.float32]],
    tuned: Sequence[NDArray[np.float32]],
    truths: Sequence[NDArray[np.int64]],
    groups: NDArray[np.float64],
) -> float:
    """Choose the tuned crown's share of the logits with the lowest nll on the calibration photos.

    Each sequence has one array for each view: first as taken, which sets the temperature, then laid down.
    """

    def found(share: float) -> float:
        logits = [(1 - share) * a + share * b for a, b in zip(plain, tuned, strict=True)]
        temperature = fit_temperature(logits[0], groups, truths[0])
        shares = [probabilities(one, temperature) @ groups for one in logits]
        return sum(nll(one, truth) for one, truth in zip(shares, truths, strict=True))

    return min(SHARES, key=found)


def best_mix(
    logits: NDArray[np.float32],
    companion: NDArray[np.float32],
    truth: NDArray[np.int64],
    groups: NDArray[np.float64],
) -> float:
    """Choose the companion's share of the logits with the lowest nll on the calibration photos."""

    def found(share: float) -> float:
        mixed = (1 - share) * logits + share * companion
        return nll(probabilities(mixed, fit_temperature(mixed, groups, truth)) @ groups, truth)

    return min(MIXES, key=found)


def run_crown(
    layers: Sequence[Conv], head: Head | None, samples: Samples, threads: int
) -> NDArray[np.float32]:
    """Run a crown on stored activations; return (n, labels) logits, or features if it has no head."""
    channels, height, width = samples.kept.shape
    network = Session(crown_onnx(layers, head, (channels, height, width)), threads)
    return through(network.run, samples.kept)


def features_of(layers: Sequence[Conv], samples: Samples, cache: Path, threads: int) -> NDArray[np.float32]:
    """Return the features of a crown without its head, cached in `cache`."""
    digest = hashlib.sha256(samples.kept.key.encode())
    for layer in layers:
        digest.update(layer.weight.tobytes() + layer.bias.tobytes())
    path = cache / f"features-{digest.hexdigest()[:32]}.npy"
    if not path.is_file():
        save_whole(path, run_crown(layers, None, samples, threads))
    found: NDArray[np.float32] = np.load(path)
    return found


def _all(kept: StoredOutputs) -> NDArray[np.float32]:
    return kept.rows(range(len(kept)))


def _sharing(samples: Samples, share: float) -> Samples:
    """Give the rows a total weight of `share`."""
    return samples.weighing(share / samples.weights.sum())
