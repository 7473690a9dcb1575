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
