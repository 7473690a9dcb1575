"""Every word the screen may show, from wherever it is written."""

from __future__ import annotations

from dataclasses import dataclass

from config.sorting import Category, Sorting
from config.station import Language
from config.words import Words
from edge.panel.texts import Texts


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
