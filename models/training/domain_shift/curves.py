"""Two learning curves: accuracy on an unseen source by the number of sources seen, and by photos.

The first shows the worth of photos of other places, the second of more photos of the same places.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from models.pipeline import probabilities
from models.training.domain_shift.leave_one_out import LabelledFeatures
from models.training.learning.head import HeadShop

ENOUGH = 200
"""A source with fewer photos is left out of both training and measurement here."""
SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
LOTS = 3
"""Draws of each share of the photos; the full set needs one."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A head fitted to the photos of `seen` and measured on those of `source`, which it never saw.

    `right` is the share of photos whose category it named. `known` is the share of photos whose kind a seen
    source has, `right_of_known` the share right among these, `right_of_others` among the rest; None if
    there are no such photos.
    """

    seen: tuple[str, ...]
    source: str
    right: float
    known: float
    right_of_known: float | None
    right_of_others: float | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """Accuracy on the calibration photos of a head fitted to a `share` of the training photos."""

    share: float
    right: float


@dataclass(frozen=True, slots=True)
class Curves:
    """The points of both curves."""

    trials: tuple[Trial, ...]
    drawn: tuple[Drawn, ...]


@dataclass(frozen=True, slots=True)
class Rung:
    """Means over all trials with the same number of sources seen; `least` and `most` are of `right`."""

    seen: int
    right: float
    least: float
    most: float
    known: float
    right_of_known: float
    right_of_others: float


def rungs(trials: Sequence[Trial]) -> list[Rung]:
    """Average trials by the number of sources seen; every source is in equally many trials."""
    return [
        _rung(size, [one for one in trials if len(one.seen) == size])
        for size in sorted({len(one.seen) for one in trials})
    ]


def _rung(size: int, trials: Sequence[Trial]) -> Rung:
    right = [one.right for one in trials]
    return Rung(
        seen=size,
        right=float(np.mean(right)),
        least=min(right),
        most=max(right),
        known=float(np.mean([one.known for one in trials])),
        right_of_known=_mean([one.right_of_known for one in trials]),
        right_of_others=_mean([one.right_of_others for one in trials]),
    )


def _mean(shares: Sequence[float | None]) -> float:
    """Return the mean of the known shares; 0 if there are none."""
    known = [share for share in shares if share is not None]
    return float(np.mean(known)) if known else 0.0


def every_choice(
    table: LabelledFeatures,
    measured: NDArray[np.bool_],
    groups: NDArray[np.float64],
    shop: HeadShop,
    advance: Callable[[int], None] = lambda _: None,
) -> Iterator[Trial]:
    """Fit a head to every choice of sources, and measure it on each of the others.

    `measured` (n,) marks the photos whose labels are trusted; `groups` is the (labels, 4) membership.
    `advance(1)` is called after each of the `choices`.
    """
    counts = {str(one): int((table.sources[measured] == one).sum()) for one in set(table.sources.tolist())}
    for seen in choices(table):
        rows = np.isin(table.sources, seen)
        head = shop.fit(table.features[rows], table.allowed[rows], table.weights[rows])
        shown = table.allowed[rows].any(axis=0)
        for source in sorted(name for name in counts if counts[name] >= ENOUGH and name not in seen):
            own = measured & (table.sources == source)
            coarse = probabilities(head.logits(table.features[own]), 1.0) @ groups
            right = coarse.argmax(axis=1) == table.truth[own]
            known = (table.allowed[own] & shown).any(axis=1)
            shares = (float(right[which].mean()) if which.any() else None for which in (known, ~known))
            yield Trial(seen, source, float(right.mean()), float(known.mean()), *shares)
        advance(1)


def choices(table: LabelledFeatures) -> list[tuple[str, ...]]:
    """Return every choice of sources with ENOUGH photos that leaves at least one out, smallest first."""
    names, counts = np.unique(table.sources, return_counts=True)
    places = [str(name) for name, count in zip(names, counts, strict=True) if count >= ENOUGH]
    return [chosen for size in range(1, len(places)) for chosen in combinations(places, size)]


def every_share(
    table: LabelledFeatures,
    lots: Sequence[str],
    held: tuple[NDArray[np.float32], NDArray[np.int64]],
    groups: NDArray[np.float64],
    shop: HeadShop,
) -> Iterator[Drawn]:
    """Fit a head to each of SHARES of the photos, drawn whole groups at a time, and measure it on `held`.

    `lots` (n,) names each photo's group; `held` are features (m, features) and true columns (m,).
    """
    features, truth = held
    for share in SHARES:
        for lot in range(LOTS if share < 1 else 1):
            rows = drawn(lots, share, lot)
            if not rows.any():  # a sixteenth of a handful of photos
                continue
            head = shop.fit(table.features[rows], table.allowed[rows], table.weights[rows])
            coarse = probabilities(head.logits(features), 1.0) @ groups
            yield Drawn(share, float((coarse.argmax(axis=1) == truth).mean()))


def drawn(lots: Sequence[str], share: float, number: int) -> NDArray[np.bool_]:
    """Return (n,) the photos drawn: whole groups, by digest; a smaller share is part of a larger one."""
    return np.array([_lot(group, number) < share for group in lots])


def _lot(group: str, number: int) -> float:
    """Derive a number from 0 (inclusive) to 1 (exclusive) from the group's digest."""
    digest = hashlib.sha256(f"{number}:{group}".encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32
