from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest

from config.reading.load_sorting import load_sorting
from edge.eye.classifier import SLOW_S, LateEye, Model, ModelEye, Unseeing
from edge.faults import FaultCode
from edge.messages import FaultCleared, FaultRaised
from edge.ports import ClassifierError
from models.bundle import SHIPPED_BUNDLE, BundleError
from models.runtime import Classifier, load_classifier
from tests.edge.hardware.posted import Hand, Posted
from tests.waiting import until


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
        def ballot(self, pictures: Sequence[object]) -> object:
            raise BundleError(f"the model does not run on {len(pictures)}", "copy the bundle again")

    with pytest.raises(ClassifierError, match="does not run on 1"):
        ModelEye(cast("Classifier", Failing())).classify((np.zeros((2, 2, 3), np.uint8),))


def test_without_a_model_nothing_is_seen() -> None:
    with pytest.raises(ClassifierError, match="without a model"):
        Unseeing().classify(())


class Held:
    """A model that takes as long to load as a test wants, and then is there or not."""

    def __init__(self, model: Model | Exception) -> None:
        self.model = model
        self.let_go = threading.Event()

    def __call__(self) -> Model:
        self.let_go.wait()
        if isinstance(self.model, Exception):
            raise self.model
        return self.model


@pytest.fixture
def posted() -> Posted:
    return Posted()


def loading(held: Held, posted: Posted, slow_s: float = SLOW_S) -> tuple[LateEye, threading.Thread]:
    late = LateEye(held, slow_s=slow_s)
    thread = threading.Thread(target=late.load, args=(Hand(), posted), daemon=True)
    thread.start()
    return late, thread


def faults(posted: Posted) -> list[tuple[str, FaultCode]]:
    return [
        (type(one).__name__, one.fault)
        for one in posted.events
        if isinstance(one, FaultRaised | FaultCleared)
    ]


def test_a_model_that_is_slow_to_load_is_a_fault_until_it_sees(eye: ModelEye, posted: Posted) -> None:
    held = Held(eye.model)
    late, thread = loading(held, posted, slow_s=0.01)
    with pytest.raises(ClassifierError, match="not ready"):
        late.classify((np.zeros((2, 2, 3), np.uint8),))
    until(lambda: posted.events)
    held.let_go.set()
    thread.join()
    assert faults(posted) == [
        ("FaultRaised", FaultCode.MODEL_FAILED),
        ("FaultCleared", FaultCode.MODEL_FAILED),
    ]
    assert late.classify((np.zeros((2, 2, 3), np.uint8),)).model


@pytest.mark.parametrize("error", [BundleError("it never answers", "copy another"), ValueError("unheard of")])
def test_a_model_that_does_not_load_is_refused_whatever_was_raised(
    posted: Posted, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    held = Held(error)
    _, thread = loading(held, posted)
    held.let_go.set()
    thread.join()
    assert faults(posted) == [("FaultRaised", FaultCode.MODEL_REFUSED)]
    assert "the station runs unseeing" in caplog.text


def test_a_station_that_ends_breaks_off_the_loading_and_waits_for_its_end_without_a_fault(
    posted: Posted, caplog: pytest.LogCaptureFixture
) -> None:
    held = Held(BundleError("it was broken off", "start again"))
    late = LateEye(held, held.let_go.set)
    thread = threading.Thread(target=late.load, args=(Hand(), posted), daemon=True)
    thread.start()
    late.stop()
    thread.join()
    assert (posted.events, caplog.text) == ([], "")
