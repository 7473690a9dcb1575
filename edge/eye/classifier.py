"""The waste model as the station's eye, and what stands in for it when no model may be trusted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import NoReturn

import numpy as np

from config.errors import InputError
from config.process.threads import later
from config.reading.load_sorting import load_sorting
from config.station import StationSettings
from edge.eye.eyes import Eyes, bundle_folder, label_words
from edge.faults import FaultCode
from edge.messages import FaultCleared, FaultRaised, Photo
from edge.ports import ClassifierError, Clock, Inbox
from edge.visit.state import MODEL
from models.bundle import BundleError, load_bundle
from models.runtime import Breaker, Classifier, judge_of
from models.verdict import Verdict

log = logging.getLogger(__name__)

STOP_S = 5.0
WAIT_S = 4.0
"""How long a deposit waits for a model that is being loaded: less than a visit waits for a verdict."""
SLOW_S = 5.0
"""A model that is not ready by then is a fault until it is: deposits go unseen meanwhile."""


class ModelEye:
    """A tested model. Implements `edge.ports.Classifier`; photos are RGB (height, width, 3) uint8."""

    def __init__(self, model: Classifier) -> None:
        """Look with `model`."""
        self.model = model

    def classify(self, pictures: Sequence[Photo]) -> Verdict:
        """Give one verdict over several frames; ClassifierError when the runtime fails, or without frames."""
        frames = [picture for picture in pictures if isinstance(picture, np.ndarray)]
        try:
            return self.model.classify(frames)
        except (BundleError, ValueError) as error:
            raise ClassifierError(str(error)) from error


class LateEye:
    """A model that is loaded and tested beside the station's loop. Implements `edge.ports.Classifier`.

    Deposits go unseen until `load` has ended well.
    """

    def __init__(
        self,
        model: Callable[[], Classifier],
        break_off: Callable[[], object] = lambda: None,
        wait_s: float = 0.0,
    ) -> None:
        """Look with what `model` gives, once `load` has called it; `break_off` ends whatever it does.

        A deposit waits up to `wait_s` seconds for the end of `load`.
        """
        self._model, self._break_off, self._wait_s = model, break_off, wait_s
        self._is_stopping = False
        self._is_done = threading.Event()
        self._eye: ModelEye | None = None
        self._changing = threading.Lock()

    def classify(self, pictures: Sequence[Photo]) -> Verdict:
        """Give one verdict over several frames; ClassifierError while there is no model, too."""
        if self._eye is None:
            self._is_done.wait(self._wait_s)
        if self._eye is None:
            raise ClassifierError("the model is not ready")
        return self._eye.classify(pictures)

    def load(self, clock: Clock, inbox: Inbox) -> None:
        """Load the model. MODEL_FAILED is up while that takes long, MODEL_REFUSED after it went wrong."""
        loaded = later(SLOW_S, lambda: self._tell_slow(clock, inbox), "slow model")
        try:
            eye = ModelEye(self._model())
        except InputError as error:
            if not self._is_stopping:
                refuse(str(error), clock, inbox)
        except Exception:  # a thread's outermost loop: nobody else would hear of it
            log.exception("the model cannot be loaded")
            refuse("the model cannot be loaded", clock, inbox)
        else:
            with self._changing:
                self._eye = eye
            inbox.post(FaultCleared(clock.now(), FaultCode.MODEL_FAILED, MODEL))
        finally:
            loaded.set()
            self._is_done.set()

    def stop(self) -> None:
        """Break off what the model does, and wait for the end of `load`: no process may end inside it."""
        self._is_stopping = True
        self._break_off()
        self._is_done.wait(STOP_S)

    def _tell_slow(self, clock: Clock, inbox: Inbox) -> None:
        with self._changing:
            if self._eye is None:
                log.warning("the model is not ready after %g s; deposits go unseen until it is", SLOW_S)
                inbox.post(FaultRaised(clock.now(), FaultCode.MODEL_FAILED, MODEL))


def refuse(reason: str, clock: Clock, inbox: Inbox) -> None:
    """Say why the station is blind, and raise MODEL_REFUSED."""
    log.error("%s; the station runs unseeing, deposits earn the neutral amount", reason)
    inbox.post(FaultRaised(clock.now(), FaultCode.MODEL_REFUSED, MODEL))


class Unseeing:
    """No model: every deposit goes unseen. Implements `edge.ports.Classifier`."""

    def __init__(self, reason: str = "there is no model") -> None:
        """Be blind for this reason."""
        self._reason = reason

    def load(self, clock: Clock, inbox: Inbox) -> None:
        """Say so, and raise MODEL_REFUSED."""
        refuse(self._reason, clock, inbox)

    def stop(self) -> None:
        """Do nothing: it never looks."""

    def classify(self, pictures: Sequence[Photo]) -> NoReturn:
        """Raise ClassifierError."""
        del pictures
        raise ClassifierError("the station runs without a model")


def open_model(settings: StationSettings) -> LateEye | Unseeing:
    """The configured model, yet to be loaded; a bundle that must not be used leaves the station unseeing.

    InputError for a model that does not fit the city's rules.
    """
    sorting = load_sorting(settings.model.sorting)
    try:
        bundle = load_bundle(bundle_folder(settings))
    except BundleError as error:
        return Unseeing(str(error))
    judge_of(bundle.manifest, sorting)  # a mistake in the configuration is told before anything starts
    breaker = Breaker()
    return LateEye(
        lambda: Classifier(bundle, sorting, settings.model.threads, breaker=breaker), breaker.open, WAIT_S
    )


def eyes_here(settings: StationSettings) -> Eyes:
    """The configured model in this very process, for a station in virtual time; nothing is shown."""
    model = open_model(settings)
    return Eyes(model, label_words(settings), load=model.load, stop=model.stop)
