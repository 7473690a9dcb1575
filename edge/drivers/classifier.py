"""The waste model as the station's eye, and what stands in for it when no model may be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np

from edge.ports import ClassifierError
from models.bundle import BundleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.messages import Photo
    from models.runtime import Classifier
    from models.verdict import Verdict


class ModelEye:
    """A tested model. Implements `edge.ports.Classifier`; photos are RGB (height, width, 3) uint8."""

    def __init__(self, model: Classifier) -> None:
        """Look with `model`."""
        self._model = model

    def classify(self, pictures: Sequence[Photo]) -> Verdict:
        """Give one verdict over several frames; ClassifierError when the runtime fails, or without frames."""
        frames = [picture for picture in pictures if isinstance(picture, np.ndarray)]
        try:
            return self._model.classify(frames)
        except (BundleError, ValueError) as error:
            raise ClassifierError(str(error)) from error


class Unseeing:
    """No model: every deposit goes unseen. Implements `edge.ports.Classifier`."""

    def classify(self, pictures: Sequence[Photo]) -> NoReturn:
        """Raise ClassifierError."""
        del pictures
        raise ClassifierError("the station runs without a model")
