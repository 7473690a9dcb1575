"""The model's verdict on one deposit: a category, or none. Pure values, no arrays."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from config.sorting import Category


class VerdictState(StrEnum):
    """Whether a verdict may be acted on."""

    OK = "ok"
    UNSURE = "unsure"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One calibrated answer of the waste model.

    `category` is None unless `state` is OK. `label` is the model's fine label (a key of the
    bundle's labels), None when the picture shows no waste. `probability` (0 to 1) is the calibrated
    probability of the likeliest category, whatever the state. `model` names the bundle and version.
    """

    state: VerdictState
    category: Category | None
    label: str | None
    probability: float
    model: str

    def __post_init__(self) -> None:
        """Refuse a verdict that names a category without being ok, or is ok without one."""
        if (self.category is not None) != (self.state is VerdictState.OK):
            msg = f"a verdict names a category exactly when it is ok, got {self.state} and {self.category}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Ballot:
    """A verdict, and what it was made of."""

    verdict: Verdict
    probabilities: dict[Category, float]
    """The calibrated probability of each category over all frames; what is missing to 1 is "no waste"."""
    votes: tuple[Category | None, ...]
    """The likeliest category of each frame by itself; None for a frame that shows no waste."""

    @property
    def votes_differ(self) -> bool:
        """Whether the frames by themselves name more than one answer."""
        return len(set(self.votes)) > 1
