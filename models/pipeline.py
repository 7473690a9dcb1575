"""From pixels to the network's input, and from its logits to a calibrated verdict. Pure numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.sorting import Category
from models.verdict import Ballot, Verdict, VerdictState

CATEGORIES = tuple(Category)
"""The order of the columns wherever probabilities of categories are an array."""


@dataclass(frozen=True, slots=True)
class Judge:
    """How logits are read: one bundle's figures joined with one city's rules.

    `labels` are the model's keys in its order; `categories` says where each belongs, None for the one
    label that means a picture without waste. Thresholds are probabilities, 0 to 1.
    """

    model: str
    labels: tuple[str, ...]
    categories: tuple[Category | None, ...]
    temperature: float
    sure: float
    empty: float

    def membership(self) -> NDArray[np.float64]:
        """Give the (labels, 4) matrix that sums labels into categories; the empty label's row is zero."""
        return np.array([[own is column for column in CATEGORIES] for own in self.categories], np.float64)


def normalise(pictures: NDArray[np.uint8], mean: float, std: float) -> NDArray[np.float32]:
    """Turn (n, size, size, 3) uint8 pictures into the network's (n, 3, size, size) float32."""
    planes = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), np.float32)
    planes -= np.float32(mean)
    planes *= np.float32(1 / std)
    return planes


def probabilities(logits: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Soften (n, labels) logits by the temperature and give each row's calibrated probabilities."""
    scaled = np.asarray(logits, np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    powers = np.exp(scaled)
    shares: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def vote(logits: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Combine the frames of one deposit: the mean of their calibrated probabilities.

    A mean of probabilities, not of logits: one frame that is certain and wrong cannot outvote several
    others, because no frame weighs more than 1.
    """
    shares: NDArray[np.float64] = probabilities(logits, temperature).mean(axis=0)
    return shares


def judge(logits: NDArray[np.floating], rules: Judge) -> Verdict:
    """Give the verdict over the (frames, labels) logits of one deposit.

    A label of the likeliest category is named even when the state is unsure; None when it is empty.
    """
    return ballot(logits, rules).verdict


def ballot(logits: NDArray[np.floating], rules: Judge) -> Ballot:
    """Give the verdict as `judge` does, with all categories' probabilities and each frame's own vote."""
    fine = vote(logits, rules.temperature)
    coarse = fine @ rules.membership()
    winner = int(coarse.argmax())
    state = _state(1.0 - float(coarse.sum()), float(coarse[winner]), rules)
    own = np.array([category is CATEGORIES[winner] for category in rules.categories])
    verdict = Verdict(
        state=state,
        category=CATEGORIES[winner] if state is VerdictState.OK else None,
        label=None if state is VerdictState.EMPTY else rules.labels[int(np.where(own, fine, -1.0).argmax())],
        probability=min(1.0, float(coarse[winner])),
        model=rules.model,
    )
    frames = probabilities(logits, rules.temperature) @ rules.membership()
    return Ballot(
        verdict,
        {category: min(1.0, float(share)) for category, share in zip(CATEGORIES, coarse, strict=True)},
        tuple(_vote_of(shares, rules) for shares in frames),
    )


def _vote_of(shares: NDArray[np.float64], rules: Judge) -> Category | None:
    is_empty = 1.0 - float(shares.sum()) >= rules.empty
    return None if is_empty else CATEGORIES[int(shares.argmax())]


def _state(empty: float, likeliest: float, rules: Judge) -> VerdictState:
    if empty >= rules.empty:
        return VerdictState.EMPTY
    return VerdictState.OK if likeliest >= rules.sure else VerdictState.UNSURE
