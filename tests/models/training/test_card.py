"""The model card says what was measured; made here from a run that never was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from config.sorting import Category
from models.bundle import load_bundle
from models.training.bundling.candidates import Candidate
from models.training.bundling.card import TEMPLATE, Facts, MeasuredAnswers, model_card, unseen_figures
from models.training.dataset.photo import Photo
from models.training.dataset.taxonomy import load_taxonomy
from models.training.domain_shift.curves import Curves, Drawn, Trial
from models.training.domain_shift.leave_one_out import LeftOut

COUNTS = (
    "train calibration dropped tuning mix adjustment scenes distrust target_error",
    "11 12 13 none 40% +0.7 17 0.3 1%",
)


@pytest.fixture(scope="module")
def card() -> str:
    """Give the card of two photos of each category, one of the last taken for the first."""
    taxonomy, manifest = load_taxonomy(), load_bundle().manifest
    truth = np.repeat(np.arange(4), 2)
    coarse = np.eye(4)[truth] * 0.9 + 0.02
    coarse[7] = (0.6, 0.1, 0.1, 0.2)
    columns = [taxonomy.keys.index(key) for key in ("glass", "medicine", "eggshell", "wrapper")]
    allowed = np.eye(len(taxonomy.keys), dtype=bool)[np.array(columns)[truth]]
    scenes = np.array([[0.1, 0.1, 0.1, 0.1], [0.5, 0.1, 0.1, 0.1]])
    found = MeasuredAnswers(truth, allowed, allowed.astype(np.float32), coarse, scenes)
    kinds = [
        Candidate(name, bytes(size), 1.2, manifest.thresholds, 0.9, {1: ms, 2: ms / 2})
        for name, size, ms in (("float", 9_600_000, 40.0), ("int8", 5_000_000, 20.0))
    ]
    counts = dict(zip(COUNTS[0].split(), COUNTS[1].split(), strict=True))
    photos = [Photo(Path("a.jpg"), Category.OTHER, "trashnet"), Photo(Path("b.jpg"), Category.OTHER, "new")]
    left_out = [LeftOut("trashnet", 40, 0.755, {"recyclable": 0.8, "other": 0.25})]
    seen = [
        Trial(("trashnet",), "zju26", 0.5, 0.6, 0.75, 0.125),
        Trial(("zju26",), "trashnet", 0.7, 1.0, 0.7, None),
    ]
    shares = (Drawn(0.5, 0.8), Drawn(0.5, 0.9), Drawn(1.0, 0.95))
    curves = Curves(tuple(seen), shares)
    facts = Facts(counts, photos, kinds, kinds[1], found, left_out, curves)
    return model_card(manifest, taxonomy, facts)


@pytest.mark.parametrize(
    "line",
    [
        "| other | 1 | 0 | 0 | 1 | 50.0% |",
        "| kitchen | 0 | 0 | 2 | 0 | 100.0% |",
        "| trashnet | 40 | 75.5% | recyclable 80%, other 25% |",
        "| int8 throughout (shipped) | 5.0 MB | 20 ms | 10 ms | 90.00% |",
        "| float32, weights kept as int8 by channel | 9.6 MB | 40 ms | 20 ms | 90.00% |",
        "| right, mean | 60.0% |",
        "| least to most | 50% to 70% |",
        "| of a kind that was seen | 80% |",
        "| right of these, mean | 72.5% |",
        "| right of the others, mean | 12.5% |",
        "| training photos learned from | 1/2 | all |",
        "| least to most | 80.0% to 90.0% | 95.0% to 95.0% |",
        "![unseen](unseen.png)",
        "of a source's photos are judged right, and the last source more brought\n(not measured).",
        "glass 100% of 2",
        "| 2 generated pictures without waste, hands among them: empty, unsure, ok | 1, 1, 0 |",
        "| trashnet | 1 | TrashNet, MIT |",
        "| new | 1 | unknown |",
    ],
)
def test_a_figure_of_the_run_appears_in_the_card(card: str, line: str) -> None:
    assert line in card


def test_the_last_step_of_the_curve_is_stated() -> None:
    trials = [Trial(("a",), "c", 0.2, 0.5, 0.4, 0.0), Trial(("a", "b"), "c", 0.9, 1.0, 0.925, None)]
    assert unseen_figures(trials) == {
        "unseen_right": "90.0%",
        "unseen_known": "100.0%",
        "unseen_right_of_known": "92.5%",
        "unseen_step": "+70.0 points",
    }


def test_every_place_in_the_template_is_filled(card: str) -> None:
    assert "$" not in card
    assert "$" in TEMPLATE.read_text(encoding="utf-8")
