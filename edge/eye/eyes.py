"""The eye as the station uses it: in its own process, or in this one in virtual time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from config.station import StationSettings
from config.words import Both
from edge.messages import Photo
from edge.ports import Classifier, ClassifierError, Clock, Inbox
from edge.visit.offering import OfferClip
from models.bundle import SHIPPED_BUNDLE, BundleError, load_labels

log = logging.getLogger(__name__)


def _nothing(*_: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Eyes:
    """The classifier, the names of its labels, and how pictures are shown."""

    classifier: Classifier
    labels: Mapping[str, Both]
    show: Callable[[Photo], bool] = lambda _photo: False
    """Writes a picture for the panel; returns whether it is written. May block for a moment."""
    offer: Callable[[OfferClip], None] = _nothing
    """Offers a deposit for a clip; returns at once."""
    load: Callable[[Clock, Inbox], None] = _nothing
    """Loads a model that is in this process; may take long."""
    stop: Callable[[], None] = _nothing


class Blind:
    """Classifies nothing. Implements `edge.ports.Classifier` for a station without a camera."""

    def classify(self, pictures: Sequence[Photo]) -> NoReturn:
        """Raise ClassifierError."""
        del pictures
        raise ClassifierError("the station has no camera", is_fault=False)


def blind() -> Eyes:
    """Return the eyes of a station without a camera."""
    return Eyes(Blind(), {})


def bundle_folder(settings: StationSettings) -> Path:
    """Return the folder of the station's model."""
    return Path(settings.model.bundle) if settings.model.bundle else SHIPPED_BUNDLE


def label_words(settings: StationSettings) -> dict[str, Both]:
    """Return the names of the model's labels; none for an unreadable bundle, which the eye reports."""
    try:
        labels = load_labels(bundle_folder(settings))
    except BundleError as error:
        log.warning("%s; what is recognised has no name", error)
        return {}
    return {key: Both(label.zh, label.en) for key, label in labels.items()}
