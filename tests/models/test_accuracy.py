"""The shipped model on photos that neither training nor the choice of thresholds saw."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from config.reading.load_sorting import load_sorting
from models.bundle import SHIPPED_BUNDLE
from models.pictures import read_picture
from models.runtime import Classifier, load_classifier
from models.training.dataset.photo import Photo
from models.training.dataset.photos import Split, read_photos, split
from models.training.dataset.taxonomy import load_taxonomy
from models.training.evaluation.evaluate import coarse_probabilities, evaluation_of, truth_of
from models.verdict import VerdictState
from scripts.commands.model import model

SAMPLE = 400


@pytest.fixture(scope="module")
def sample(photos_folder: Path) -> list[Photo]:
    """Give a seeded sample of the test split."""
    held_out = split(read_photos(photos_folder), load_taxonomy())[Split.TEST]
    return random.Random(7).sample(held_out, SAMPLE)


def test_on_unseen_photos_it_is_right_and_knows_when(classifier: Classifier, sample: list[Photo]) -> None:
    found = evaluation_of(coarse_probabilities(classifier, sample), truth_of(sample))
    assert found.photos == SAMPLE
    assert found.accuracy >= 0.95
    assert found.macro_f1 >= 0.92
    assert found.accuracy_at_85pct_coverage >= 0.985
    assert found.ece <= 0.03


def test_an_ok_verdict_is_seldom_wrong(classifier: Classifier, sample: list[Photo]) -> None:
    verdicts = [(photo, classifier.classify([read_picture(photo.path)])) for photo in sample[:150]]
    ok = [(photo, verdict) for photo, verdict in verdicts if verdict.state is VerdictState.OK]
    assert len(ok) >= 100
    assert sum(photo.category is not verdict.category for photo, verdict in ok) <= 5


def test_photos_of_waste_are_not_called_empty(classifier: Classifier, sample: list[Photo]) -> None:
    coarse = coarse_probabilities(classifier, sample[:200])
    assert (1 - coarse.sum(axis=1) >= classifier.rules.empty).mean() <= 0.02


def test_shanghai_sorts_dry_cells_differently_with_the_same_bundle(photos_folder: Path) -> None:
    cells = [
        photo
        for photo in split(read_photos(photos_folder), load_taxonomy())[Split.TEST]
        if photo.label == "battery_duracell_alk"
    ]
    shanghai = load_classifier(SHIPPED_BUNDLE, load_sorting("shanghai"))
    said = [shanghai.classify([read_picture(photo.path)]) for photo in cells]
    assert any(verdict.category == "other" for verdict in said)
    assert not any(verdict.category == "hazardous" for verdict in said)


def test_the_evaluate_command_prints_the_promised_keys(
    photos_folder: Path, sample: list[Photo], tmp_path: Path
) -> None:
    rows = [f"{photo.path},{photo.category}" for photo in sample[:24]]
    (tmp_path / "index.csv").write_text("\n".join(["path,category", *rows]))
    result = CliRunner().invoke(model, ["evaluate", str(tmp_path), "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert list(found) == [
        "photos",
        "accuracy",
        "macro_f1",
        "recall",
        "ece",
        "coverage_at_1pct_error",
        "accuracy_at_85pct_coverage",
        "confusion",
    ]
    assert found["photos"] == 24
    table = CliRunner().invoke(model, ["evaluate", str(tmp_path)]).stdout
    assert "macro-F1" in table
    assert photos_folder.name not in table
