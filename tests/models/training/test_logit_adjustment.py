from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.training.evaluation.measure import accuracy, confusion, recall
from models.training.learning.feature_store import StoredOutputs
from models.training.learning.head import HeadShop
from models.training.learning.logit_adjustment import COST, FOLDS, choose_adjustment, fold_of, out_of_fold
from models.training.learning.samples import Samples

GROUPS = np.eye(4)


def doubtful(rare_wrong: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """A thousand common photos, sure; a hundred others, some of which look a bit like common ones."""
    truth = np.array([0] * 1000 + [3] * 100)
    logits = 4 * np.eye(4)[truth]
    logits[1000 : 1000 + rare_wrong, 0] = 4.35
    return logits, truth


def test_a_rare_category_mistaken_for_a_common_one_gets_a_positive_adjustment() -> None:
    logits, truth = doubtful(20)
    adjustment = choose_adjustment(logits, truth, GROUPS)
    before, after = confusion(logits, truth), confusion(logits + GROUPS @ adjustment, truth)
    assert adjustment[0] == 0
    assert adjustment[3] >= 0.4
    assert recall(before)["other"] == 0.8
    assert recall(after)["other"] == 1.0


def test_no_adjustment_is_made_that_costs_too_much_accuracy() -> None:
    logits, truth = doubtful(1)
    logits[:50, 3] = 3.9  # fifty common photos would go at the first step
    found = confusion(logits + GROUPS @ choose_adjustment(logits, truth, GROUPS), truth)
    assert accuracy(found) >= accuracy(confusion(logits, truth)) - COST
    assert choose_adjustment(logits, truth, GROUPS)[3] == 0


def test_each_photo_is_judged_by_heads_that_never_saw_its_fold(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the extra 'training' is not installed")
    rng = np.random.default_rng(3)
    truth, folds = np.arange(90) % 4, np.arange(90) % FOLDS
    features = rng.normal(0, 1, (90, 24)).astype(
        np.float32
    )  # nothing to learn: only what was seen can be known
    np.save(tmp_path / "kept.npy", features.astype(np.float16))
    allowed = np.eye(4, dtype=bool)[truth]
    samples = Samples(StoredOutputs([tmp_path / "kept.npy"], 90), allowed, truth, np.ones(90))
    found = out_of_fold((features,), samples, folds, HeadShop(tmp_path, 1))
    assert (found.argmax(axis=1) == truth).mean() < 0.5
    assert len(list(tmp_path.glob("head-*"))) == FOLDS


def test_photos_of_one_group_share_a_fold() -> None:
    folds = [fold_of(str(number)) for number in range(300)]
    assert folds == [fold_of(str(number)) for number in range(300)]
    assert set(folds) == set(range(FOLDS))
