"""The four categories of GB/T 19095-2019, and how a city maps the model's labels to them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from config.errors import InputError


class Category(StrEnum):
    """The category of waste. Values are names on the wire and in files; the order is the standard's."""

    RECYCLABLE = "recyclable"
    HAZARDOUS = "hazardous"
    KITCHEN = "kitchen"
    OTHER = "other"


class Face(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a city shows one category: its names, its colour and its icon."""

    zh: str
    en: str
    hex: Annotated[str, Meta(pattern=r"^#[0-9A-Fa-f]{6}\Z", description="a colour such as #1E9E4A")]
    icon: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z0-9-]*\Z",
            description="an icon's name: lower-case letters, digits and hyphens",
        ),
    ]


class Sorting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One city's rules: how each category looks, and which category each label belongs to.

    `zh` and `en` name the city. `category` has a face for each of the four, `labels` a category for each
    label that a model may predict.
    """

    format: Literal[1]
    zh: str
    en: str
    category: dict[Category, Face]
    labels: dict[str, Category]

    def __post_init__(self) -> None:
        """Refuse a file that shows only some of the categories."""
        missing = [category.value for category in Category if category not in self.category]
        if missing:
            msg = f"no face for {', '.join(missing)}"
            raise ValueError(msg)

    def categories_of(self, labels: Sequence[str]) -> tuple[Category, ...]:
        """Return the category of each of a model's labels, in order.

        InputError names labels that are missing here, or that the model does not know.
        """
        if forgotten := [label for label in labels if label not in self.labels]:
            what = f"sorting of {self.en}: no category for {', '.join(forgotten)}"
            raise InputError(what, "add a line for each under [labels]")
        if unknown := sorted(set(self.labels) - set(labels)):
            what = f"sorting of {self.en}: the model has no label {', '.join(unknown)}"
            raise InputError(what, "mend or remove those lines under [labels]")
        return tuple(self.labels[label] for label in labels)
