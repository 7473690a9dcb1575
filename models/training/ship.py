"""From a fitted head to a bundle: calibration, measurement, the ONNX file, the manifest, the model card."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from models.bundle import MANIFEST, Golden, InputSpec, Manifest, ModelFile
from models.golden import golden_pictures
from models.pipeline import normalise, probabilities
from models.runtime import Network
from models.training.backbone import INPUT_SIZE, MEAN, STD
from models.training.card import CARD, Facts, model_card
from models.training.export import OPSET, to_onnx
from models.training.measure import choose_thresholds, fit_temperature, summary
from models.training.samples import NO_WASTE, membership

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from models.bundle import Thresholds
    from models.training.backbone import Conv
    from models.training.head import Head
    from models.training.photo import Photo
    from models.training.samples import Samples
    from models.training.taxonomy import Taxonomy

MODEL_FILE = "waste.onnx"
NAME = "waste"
TARGET_ERROR = 0.01
"""Share of the ok verdicts that may be wrong on the calibration split."""
GOLDEN_PICTURES = 4
GOLDEN_TOLERANCE = 0.02
"""In logits. Thread counts and optimisation levels differ by under 1e-4; other processors by a bit more."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What training made: the network's layers and head, and the splits that neither was fitted to.

    `chamber` are the test photos once more, as a chamber might show them; `photos` all there were;
    `counts` what the model card tells of the run.
    """

    layers: Sequence[Conv]
    head: Head
    calibration: Samples
    test: Samples
    chamber: Samples
    photos: Sequence[Photo]
    counts: dict[str, str]


def ship(trained: Trained, taxonomy: Taxonomy, out: Path, version: str) -> Manifest:
    """Calibrate, measure, and write the bundle's three files to `out`."""
    temperature, thresholds = _calibrate(trained, taxonomy)
    test = trained.test
    fine = probabilities(trained.head.logits(test.features), temperature)
    coarse, waste = fine @ membership(taxonomy), test.truth != NO_WASTE
    model = to_onnx(trained.layers, trained.head.weight, trained.head.bias)
    manifest = Manifest(
        format=1,
        name=NAME,
        version=version,
        model=ModelFile(name=MODEL_FILE, sha256=hashlib.sha256(model).hexdigest(), opset=OPSET),
        input=InputSpec(size=INPUT_SIZE, mean=MEAN, std=STD, fit="letterbox"),
        labels=taxonomy.label,
        empty=taxonomy.empty,
        temperature=temperature,
        thresholds=thresholds,
        metrics=summary(coarse[waste], test.truth[waste], thresholds),
        golden=_golden(model),
    )
    out.mkdir(parents=True, exist_ok=True)
    (out / MODEL_FILE).write_bytes(model)
    (out / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    chamber = probabilities(trained.head.logits(trained.chamber.features), temperature) @ membership(taxonomy)
    facts = Facts(trained.counts, trained.photos, test, fine, coarse, chamber)
    (out / CARD).write_text(model_card(manifest, taxonomy, facts), encoding="utf-8")
    return manifest


def _calibrate(trained: Trained, taxonomy: Taxonomy) -> tuple[float, Thresholds]:
    """Choose temperature and thresholds on the calibration split alone."""
    kept, groups = trained.calibration, membership(taxonomy)
    waste = kept.truth != NO_WASTE
    logits = trained.head.logits(kept.features)
    temperature = round(fit_temperature(logits[waste], groups, kept.truth[waste]), 4)
    coarse: NDArray[np.float64] = probabilities(logits, temperature) @ groups
    return temperature, choose_thresholds(coarse[waste], kept.truth[waste], coarse[~waste], TARGET_ERROR)


def _golden(model: bytes) -> Golden:
    logits = Network(model).run(normalise(golden_pictures(GOLDEN_PICTURES, INPUT_SIZE), MEAN, STD))
    rows = tuple(tuple(round(float(value), 4) for value in row) for row in logits)
    return Golden(logits=rows, tolerance=GOLDEN_TOLERANCE)
