"""Photos as the networks see them: as taken, mirrored, or laid on a floor. Kept on disk."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType, ModuleType

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models import pictures, pixels
from models.training.dataset.photo import Photo
from models.training.learning.feature_store import FeatureStore, StoredOutputs
from models.training.synthetic import augment, cutout, hands, scenes

Rgb = NDArray[np.uint8]


HAND_EVERY = 5
"""One in this many generated pictures without waste shows a hand."""


class View(StrEnum):
    """How a photo is shown to a network."""

    TAKEN = "taken"
    MIRRORED = "mirrored"
    LAID = "laid"
    LAID_AGAIN = "laid again"
    """As LAID, with another random seed."""


def _as_taken(picture: Rgb, _: Generator) -> Rgb:
    return picture


def _mirrored(picture: Rgb, _: Generator) -> Rgb:
    return np.ascontiguousarray(picture[:, ::-1])


DRAWN: Mapping[View, Callable[[Rgb, Generator], Rgb]] = MappingProxyType(
    {
        View.TAKEN: _as_taken,
        View.MIRRORED: _mirrored,
        View.LAID: augment.lay_down,
        View.LAID_AGAIN: augment.lay_down,
    }
)


def recipe() -> str:
    """Digest the source code that draws pictures, so that stored outputs of other code are not reused.

    Even a changed comment in that code makes the next training run extract everything again.
    """
    drawing = (augment, cutout, scenes, pixels.letterbox, pixels.resize)
    return _digest(*drawing)


def see_photos(
    photos: Sequence[Photo], view: View, root: Path, store: FeatureStore, advance: Callable[[int], None]
) -> StoredOutputs:
    """Extract the outputs of each photo; random choices are seeded by its path and the view's name."""
    names = [f"{photo.path.relative_to(root)} {view}" for photo in photos]

    def draw(number: int) -> Rgb:
        picture = pictures.read_picture(photos[number].path)
        seed = int.from_bytes(hashlib.sha256(names[number].encode()).digest()[:8])
        return DRAWN[view](picture, np.random.default_rng(seed))

    return store.extract(names, draw, advance)


def see_scenes(count: int, seed: int, store: FeatureStore, advance: Callable[[int], None]) -> StoredOutputs:
    """Extract the outputs of `count` generated pictures without waste; every HAND_EVERY-th shows a hand."""
    reaching = count // HAND_EVERY
    bare = count - reaching
    names = [f"scene {seed} {number}" for number in range(bare)]
    names += [f"hand {seed} {number} {_digest(hands)}" for number in range(reaching)]
    drawn: list[Rgb] = []

    def draw(number: int) -> Rgb:
        if not drawn:  # only if they are not stored already: drawing all takes half a minute
            drawn.extend([*scenes.empty_scenes(bare, seed), *hands.hands(reaching, seed)])
        return drawn[number]

    return store.extract(names, draw, advance)


def _digest(*drawing: ModuleType | Callable[..., object]) -> str:
    sources = "".join(inspect.getsource(code) for code in drawing)
    return hashlib.sha256(sources.encode()).hexdigest()
