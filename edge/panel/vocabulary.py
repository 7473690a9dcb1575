"""All words that the screen may show, from their several sources."""

from __future__ import annotations

from dataclasses import dataclass

from config.sorting import Category, Sorting
from config.station import Language
from config.words import Words
from edge.panel.texts import PanelTexts

COMMON_NOUN = " Waste"
"""English category names share this word (GB/T 19095-2019): it is drawn smaller than the rest."""


MOST_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Name:
    """A category's name: the distinctive part, and the word that it shares with others."""

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
    """Words for the next action, the city's names of categories, and the screen's own texts."""

    words: Words
    sorting: Sorting
    texts: PanelTexts

    def category(self, category: Category, language: Language) -> str:
        """Return a category's name in this city."""
        face = self.sorting.category[category]
        return face.zh if language is Language.CHINESE else face.en

    def examples(self, category: Category, language: Language) -> str:
        """Return a few things that this city puts into a category, in one line."""
        names = [
            text.within(language)
            for label, text in self.texts.example.items()
            if self.sorting.labels.get(label) is category
        ]
        return ("、" if language is Language.CHINESE else ", ").join(names[:MOST_EXAMPLES])
