"""Every word the screen may show, from wherever it is written."""

from __future__ import annotations

from dataclasses import dataclass

from config.sorting import Category, Sorting
from config.station import Language
from config.words import Words
from edge.panel.texts import Texts

COMMON_NOUN = " Waste"
"""English names of categories share this word (GB/T 19095-2019): it is drawn smaller than what differs."""


@dataclass(frozen=True, slots=True)
class Name:
    """A category's name: what tells it apart, and the word that it shares with others."""

    large: str
    small: str = ""

    def __str__(self) -> str:
        return f"{self.large} {self.small}".rstrip()


def category_name(name: str) -> Name:
    """Split a category's name into a large and a small part: `Food Waste` is Food, Waste."""
    large = name.removesuffix(COMMON_NOUN)
    return Name(large, name[len(large) :].strip())


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What to do next, the city's names for the categories, and the screen's own texts."""

    words: Words
    sorting: Sorting
    texts: Texts

    def category(self, category: Category, language: Language) -> str:
        """A category's name in this city."""
        face = self.sorting.category[category]
        return face.zh if language is Language.CHINESE else face.en
