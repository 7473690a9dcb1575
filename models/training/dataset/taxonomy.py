"""The fine labels, and the meaning of each photo source's classes: taxonomy.toml as values."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

import msgspec

from config.reading.load import load_toml
from models.bundle import Label
from models.training.dataset.photo import Photo

TAXONOMY = Path(__file__).with_name("taxonomy.toml")

_LAST_NUMBER = re.compile(r"(\d+)\D*$")


class Hint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"class_": "class"}):
    """What a person saw on photos of a broad class; `numbers` are the last numbers in the files' names."""

    source: str
    class_: str
    labels: tuple[str, ...]
    numbers: frozenset[int]


class Taxonomy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """One taxonomy over all sources.

    `source[s][c]` lists the labels that class `c` of source `s` may mean: one, or several of which each
    photo shows one. `distrusted` classes are used to train but never to measure; `unused` ones for neither.
    For sources under `once`, a group counts as one photo in every measurement. A `hint` overrides a class.
    """

    empty: str
    once: tuple[str, ...]
    label: tuple[Label, ...]
    source: dict[str, dict[str, tuple[str, ...]]]
    distrusted: dict[str, tuple[str, ...]]
    unused: dict[str, tuple[str, ...]]
    licence: dict[str, str]
    hint: tuple[Hint, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a class or a hint with an unknown label."""
        meanings = [labels for classes in self.source.values() for labels in classes.values()]
        meanings += [hint.labels for hint in self.hint] + [(self.empty,)]
        for labels in meanings:
            if not labels or not set(labels) <= set(self.keys):
                msg = f"no known labels: {', '.join(labels) or 'none named'}"
                raise ValueError(msg)

    @property
    def keys(self) -> tuple[str, ...]:
        """The labels' keys, in the order of the network's outputs."""
        return tuple(label.key for label in self.label)

    def meaning(self, photo: Photo) -> tuple[str, ...] | None:
        """Return the labels that a photo may show; None if only its category is known."""
        known = self.source.get(photo.source, {}).get(photo.label)
        number = _LAST_NUMBER.search(photo.path.stem)
        seen = self._seen.get((photo.source, photo.label, int(number[1]) if number else -1))
        return seen or known

    def is_distrusted(self, photo: Photo) -> bool:
        """Return whether a photo's label is wrong too often to measure with."""
        return photo.label in self.distrusted.get(photo.source, ())

    def is_unused(self, photo: Photo) -> bool:
        """Return whether a photo's label is wrong so often that it is left out completely."""
        return photo.label in self.unused.get(photo.source, ())

    @cached_property
    def _seen(self) -> dict[tuple[str, str, int], tuple[str, ...]]:
        return {(one.source, one.class_, number): one.labels for one in self.hint for number in one.numbers}


def load_taxonomy(path: Path = TAXONOMY) -> Taxonomy:
    """Read a taxonomy; InputError names the file and what is wrong in it."""
    return load_toml(path, Taxonomy)
