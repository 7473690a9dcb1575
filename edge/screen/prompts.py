"""Renders a `Say` in Chinese and English, for the voice and for the screen. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from config.sorting import Category, Sorting
from config.words import Both, Words
from edge.messages import Say


@dataclass(frozen=True, slots=True)
class PromptRenderer:
    """Fills the placeholders of prompts with the city's categories and the model's labels."""

    words: Words
    sorting: Sorting
    labels: Mapping[str, Both]

    def render(self, say: Say) -> Both:
        """Return a prompt in both languages, its placeholders filled."""
        points = "" if say.points is None else str(say.points)
        values = {
            "points": Both(points, points),
            "label": self.label(say.label),
            "bin": self._category(say.bin),
            "belongs": self._category(say.belongs),
        }
        return self.words.said(say.prompt, values)

    def label(self, label: str | None) -> Both:
        """Return a label's names; the label itself if the bundle has no name for it."""
        if label is None:
            return Both("", "")
        return self.labels.get(label, Both(label, label))

    def _category(self, category: Category | None) -> Both:
        if category is None:
            return Both("", "")
        face = self.sorting.category[category]
        return Both(face.zh, face.en)
