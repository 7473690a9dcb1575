"""The waste model as a classifier of deposits, and its substitute when no model can be used."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import NoReturn, Protocol

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
from models.pixels import Rgb
from models.runtime import Breaker, Classifier, judge_of
from models.verdict import Ballot, Verdict

log = logging.getLogger(__name__)

STOP_S = 5.0
WAIT_S = 4.0
"""A deposit waits this long for a model that is loading: less than a visit waits for a verdict."""
SLOW_S = 5.0
"""A model that loads for longer has a fault until it is ready: deposits go unseen meanwhile."""


class Model(Protocol):
    """What judges pictures, such as `models.runtime.Classifier`."""

    def ballot(self, pictures: Sequence[Rgb]) -> Ballot:
        """Return a verdict over all pictures, and what it was made of; ValueError without a picture."""


class ModelEye:
    """A tested model. Implements `edge.ports.Classifier`; photos are RGB (height, width, 3) uint8."""

    def __init__(self, model: Model) -> None:
        """Classify with `model`."""
        self.model = model

    def classify(self, pictures: Sequence[Photo]) -> Verdict:
        """Return one verdict over several frames; ClassifierError if the runtime fails or there are none."""
        return self.ballot(pictures).verdict

    def ballot(self, pictures: Sequence[Photo]) -> Ballot:
        """Return a verdict as `classify` does, with what it was made of."""
        frames = [picture for picture in pictures if isinstance(picture, np.ndarray)]
        try:
            return self.model.ballot(frames)
        except (BundleError, ValueError) as error:
            raise ClassifierError(str(error)) from error


class LateEye:
    """A model that is loaded and tested in the background. Implements `edge.ports.Classifier`.

    Deposits go unseen until `load` has succeeded.
    """

    def __init__(
        self,
        model: Callable[[], Model],
        break_off: Callable[[], object] = lambda: None,
        wait_s: float = 0.0,
        slow_s: float = SLOW_S,
    ) -> None:
        """Take the model from `model`, which `load` calls; `break_off` interrupts the model's work.

        A deposit waits up to `wait_s` seconds for `load` to end. A load of over `slow_s` seconds is a fault.
        """
        self._model, self._break_off = model, break_off
        self._wait_s, self._slow_s = wait_s, slow_s
        self._is_stopping = False
        self._is_done = threading.Event()
        self._eye: ModelEye | None = None
        self._changing = threading.Lock()

    def classify(self, pictures: Sequence[Photo]) -> Verdict:
        """Return one verdict over several frames; ClassifierError also while no model is loaded."""
        return self.ballot(pictures).verdict

    def ballot(self, pictures: Sequence[Photo]) -> Ballot:
        """Return a verdict as `classify` does, with what it was made of."""
        if self._eye is None:
            self._is_done.wait(self._wait_s)
        if self._eye is None:
            raise ClassifierError("the model is not ready")
        return self._eye.ballot(pictures)

    def load(self, clock: Clock, inbox: Inbox) -> None:
        """Load the model. Raise MODEL_FAILED while that takes long, MODEL_REFUSED if it fails."""
        loaded = later(self._slow_s, lambda: self._tell_slow(clock, inbox), "slow model")
        try:
            eye = ModelEye(self._model())
        except InputError as error:
            if not self._is_stopping:
                refuse(str(error), clock, inbox)
        except Exception:  # the outermost frame of a thread: nothing else would report it
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
        """Interrupt the model and wait for `load` to end: the process must not exit inside it."""
        self._is_stopping = True
        self._break_off()
        self._is_done.wait(STOP_S)

    def _tell_slow(self, clock: Clock, inbox: Inbox) -> None:
        with self._changing:
            if self._eye is None:
                log.warning("the model is not ready after %g s; deposits go unseen until it is", self._slow_s)
                inbox.post(FaultRaised(clock.now(), FaultCode.MODEL_FAILED, MODEL))


def refuse(reason: str, clock: Clock, inbox: Inbox) -> None:
    """Log why no model can be used, and raise MODEL_REFUSED."""
    log.error("%s; the station runs unseeing, deposits earn the neutral amount", reason)
    inbox.post(FaultRaised(clock.now(), FaultCode.MODEL_REFUSED, MODEL))


class Unseeing:
    """No model: every deposit goes unseen. Implements `edge.ports.Classifier`."""

    def __init__(self, reason: str = "there is no model") -> None:
        """Keep the reason for the log."""
        self._reason = reason

    def load(self, clock: Clock, inbox: Inbox) -> None:
        """Log the reason, and raise MODEL_REFUSED."""
        refuse(self._reason, clock, inbox)

    def stop(self) -> None:
        """Do nothing: no model runs."""

    def classify(self, pictures: Sequence[Photo]) -> NoReturn:
        """Raise ClassifierError."""
        self.ballot(pictures)

    def ballot(self, pictures: Sequence[Photo]) -> NoReturn:
        """Raise ClassifierError."""
        del pictures
        raise ClassifierError("the station runs without a model")


def open_model(settings: StationSettings) -> LateEye | Unseeing:
    """Return the configured model, not yet loaded; `Unseeing` for a bundle that cannot be used.

    InputError for a model that does not fit the city's rules.
    """
    sorting = load_sorting(settings.model.sorting)
    try:
        bundle = load_bundle(bundle_folder(settings))
    except BundleError as error:
        return Unseeing(str(error))
    judge_of(bundle.manifest, sorting)  # report a wrong configuration before anything starts
    breaker = Breaker()
    return LateEye(
        lambda: Classifier(bundle, sorting, settings.model.threads, breaker=breaker), breaker.open, WAIT_S
    )


def eyes_here(settings: StationSettings) -> Eyes:
    """Return the configured model in this process, for a station in virtual time; no picture is shown."""
    model = open_model(settings)
    return Eyes(model, label_words(settings), load=model.load, stop=model.stop)
