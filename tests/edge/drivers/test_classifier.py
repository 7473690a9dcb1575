from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest

from config.load_sorting import load_sorting
from edge.drivers.classifier import ModelEye, Unseeing
from edge.ports import ClassifierError
from models.bundle import SHIPPED_BUNDLE, BundleError
from models.runtime import Classifier, load_classifier


@pytest.fixture(scope="module")
def eye() -> ModelEye:
    return ModelEye(load_classifier(SHIPPED_BUNDLE, load_sorting()))


def test_photos_of_a_camera_get_the_models_verdict(eye: ModelEye) -> None:
    photo = np.random.default_rng(0).integers(0, 255, (120, 80, 3), dtype=np.uint8)
    verdict = eye.classify((photo, photo))
    assert 0 <= verdict.probability <= 1
    assert verdict.model


def test_no_photos_are_no_verdict(eye: ModelEye) -> None:
    with pytest.raises(ClassifierError):
        eye.classify(())


def test_a_runtime_that_fails_is_a_classifier_that_cannot_look() -> None:
    class Failing:
        def classify(self, pictures: Sequence[object]) -> object:
            raise BundleError(f"the model does not run on {len(pictures)}", "copy the bundle again")

    with pytest.raises(ClassifierError, match="does not run on 1"):
        ModelEye(cast("Classifier", Failing())).classify((np.zeros((2, 2, 3), np.uint8),))


def test_without_a_model_nothing_is_seen() -> None:
    with pytest.raises(ClassifierError, match="without a model"):
        Unseeing().classify(())
