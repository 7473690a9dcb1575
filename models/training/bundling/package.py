"""Turn a trained network into a bundle: measure both precisions, choose one, write manifest and card."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.bundle import MANIFEST, Golden, InputSpec, Manifest, ModelFile
from models.golden import golden_pictures
from models.pictures import read_picture
from models.pipeline import normalise
from models.pixels import letterbox
from models.runtime import Session
from models.training.bundling.candidates import (
    CalibrationLogits,
    Candidate,
    answers,
    candidate,
    choose,
    speeds,
)
from models.training.bundling.card import CARD, FIGURES, UNSEEN, Facts, MeasuredAnswers, model_card
from models.training.bundling.quantise import quantised
from models.training.dataset.photo import Photo
from models.training.dataset.photos import SEED, Split
from models.training.dataset.taxonomy import Taxonomy
from models.training.domain_shift.curves import Curves
from models.training.domain_shift.leave_one_out import LeftOut
from models.training.domain_shift.plot import save_curves
from models.training.evaluation.measure import summary
from models.training.evaluation.plots import save_picture
from models.training.learning.backbone import INPUT_SIZE, MEAN, STD
from models.training.learning.export import OPSET, Tower, to_onnx
from models.training.learning.feature_store import FeatureStore, StoredOutputs
from models.training.learning.samples import Samples, membership, photo_samples
from models.training.learning.views import View, see_photos, see_scenes
from models.training.progress import Bar

MODEL_FILE = "waste.onnx"
NAME = "waste"
TARGET_ERROR = 0.01
"""Share of the ok verdicts that may be wrong on the calibration split."""
HELD_SCENES = 250
RANGE_PHOTOS = 256
"""Training photos that set the ranges for int8."""
GOLDEN_PICTURES = 4
GOLDEN_TOLERANCE = {"float": 0.02, "int8": 1.0}
"""In logits. Floats differ by less than 1e-4 between thread counts, a little more between processors; int8
values differ by single steps, which add up over about 84 layers."""


@dataclass(frozen=True, slots=True)
class Trained:
    """The result of training: the networks whose logits are summed, and the facts for the card.

    `counts` are figures of the run, by their names in card.md.
    """

    towers: Sequence[Tower]
    dealt: Mapping[Split, Sequence[Photo]]
    photos: Sequence[Photo]
    left_out: Sequence[LeftOut]
    curves: Curves
    counts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Workspace:
    """Folders of photos, bundle and cache; the bundle's version; the number of threads."""

    photos: Path
    out: Path
    cache: Path
    version: str
    threads: int


def package(trained: Trained, taxonomy: Taxonomy, workspace: Workspace, bar: Bar) -> Manifest:
    """Calibrate, choose the precision, measure once on the test split, and write the bundle's files."""
    candidates = _candidates(trained, taxonomy, workspace, bar)
    chosen = choose(candidates)
    gauge = _gauge(chosen.model, trained, taxonomy, workspace, bar)
    found = _tested(chosen, gauge, membership(taxonomy))
    manifest = _manifest(chosen, found, taxonomy, workspace.version)
    workspace.out.mkdir(parents=True, exist_ok=True)
    (workspace.out / MODEL_FILE).write_bytes(chosen.model)
    (workspace.out / MANIFEST).write_bytes(
        msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
    )
    save_picture(found.coarse, found.truth, f"{manifest.title}, test split", workspace.out / FIGURES)
    save_curves(
        trained.curves, "A linear layer on ImageNet's features, before tuning", workspace.out / UNSEEN
    )
    facts = Facts(trained.counts, trained.photos, candidates, chosen, found, trained.left_out, trained.curves)
    (workspace.out / CARD).write_text(model_card(manifest, taxonomy, facts), encoding="utf-8")
    return manifest


@dataclass(frozen=True, slots=True)
class _Gauge:
    """Computes and caches one network's logits for any split."""

    store: FeatureStore
    trained: Trained
    taxonomy: Taxonomy
    root: Path
    bar: Bar

    def photos(self, part: Split, view: View) -> Samples:
        photos = self.trained.dealt[part]
        advance = self.bar(f"measuring on {part}, {view}", len(photos))
        return photo_samples(photos, see_photos(photos, view, self.root, self.store, advance), self.taxonomy)

    def scenes(self, part: Split) -> NDArray[np.float32]:
        seed = SEED + list(Split).index(part)
        advance = self.bar(f"measuring on {part}, empty scenes", HELD_SCENES)
        return _all(see_scenes(HELD_SCENES, seed, self.store, advance))


def _gauge(model: bytes, trained: Trained, taxonomy: Taxonomy, workspace: Workspace, bar: Bar) -> _Gauge:
    return _Gauge(
        answers(model, workspace.cache, workspace.threads), trained, taxonomy, workspace.photos, bar
    )


def _candidates(trained: Trained, taxonomy: Taxonomy, workspace: Workspace, bar: Bar) -> list[Candidate]:
    whole = to_onnx(trained.towers, packed=False)
    models = {
        "float": to_onnx(trained.towers),
        "int8": quantised(whole, _ranges(trained.dealt[Split.TRAIN])),
    }
    groups, found = membership(taxonomy), []
    for (precision, model), speed in zip(models.items(), speeds(list(models.values())), strict=True):
        gauge = _gauge(model, trained, taxonomy, workspace, bar)
        photos = gauge.photos(Split.CALIBRATION, View.TAKEN)
        held = CalibrationLogits(_all(photos.kept), photos.truth, gauge.scenes(Split.CALIBRATION))
        found.append(candidate(precision, model, held, groups, TARGET_ERROR, speed))
    return found


def _tested(one: Candidate, gauge: _Gauge, groups: NDArray[np.float64]) -> MeasuredAnswers:
    """Measure on the test split; no choice depends on the result."""
    photos = gauge.photos(Split.TEST, View.TAKEN)
    logits = _all(photos.kept)
    return MeasuredAnswers(
        truth=photos.truth,
        allowed=photos.allowed,
        logits=logits,
        coarse=one.coarse(logits, groups),
        scenes=one.coarse(gauge.scenes(Split.TEST), groups),
    )


def _all(kept: StoredOutputs) -> NDArray[np.float32]:
    return kept.rows(range(len(kept)))


def _ranges(photos: Sequence[Photo]) -> Iterator[NDArray[np.float32]]:
    """Yield about RANGE_PHOTOS training photos, evenly spread, eight at a time."""
    chosen = photos[:: max(1, len(photos) // RANGE_PHOTOS)]
    for start in range(0, len(chosen), 8):
        squares = [letterbox(read_picture(one.path), INPUT_SIZE) for one in chosen[start : start + 8]]
        yield normalise(np.stack(squares), MEAN, STD)


def _manifest(chosen: Candidate, tested: MeasuredAnswers, taxonomy: Taxonomy, version: str) -> Manifest:
    model = chosen.model
    return Manifest(
        format=1,
        name=NAME,
        version=version,
        model=ModelFile(name=MODEL_FILE, sha256=hashlib.sha256(model).hexdigest(), opset=OPSET),
        input=InputSpec(size=INPUT_SIZE, mean=MEAN, std=STD, fit="letterbox"),
        labels=taxonomy.label,
        empty=taxonomy.empty,
        temperature=chosen.temperature,
        thresholds=chosen.thresholds,
        metrics=summary(tested.coarse, tested.truth, chosen.thresholds),
        golden=_golden(model, GOLDEN_TOLERANCE[chosen.precision]),
    )


def _golden(model: bytes, tolerance: float) -> Golden:
    logits = Session(model).run(normalise(golden_pictures(GOLDEN_PICTURES, INPUT_SIZE), MEAN, STD))
    rows = tuple(tuple(round(float(value), 4) for value in row) for row in logits)
    return Golden(logits=rows, tolerance=tolerance)
