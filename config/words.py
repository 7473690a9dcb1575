"""The words of voice and screen, in Chinese and English, read from prompts.toml."""

from __future__ import annotations

import string
from dataclasses import dataclass
from pathlib import Path

import msgspec

from config.errors import InputError
from config.load import load_toml
from config.station import Language

SHIPPED_WORDS = Path(__file__).parent / "prompts.toml"
_PLACES = {"bin", "belongs", "label", "points"}


@dataclass(frozen=True, slots=True)
class Both:
    """One text in both languages."""

    zh: str
    en: str

    def within(self, language: Language) -> str:
        """The text in one language."""
        return self.zh if language is Language.CHINESE else self.en


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    zh: str
    en: str


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every prompt and every next action, by name."""

    prompt: dict[str, _Entry]
    action: dict[str, _Entry]

    def said(self, prompt: str, values: dict[str, Both]) -> Both:
        """A prompt with its places filled, in both languages. KeyError for a prompt that has no words."""
        entry = self.prompt[prompt]
        chinese = entry.zh.format_map({name: value.zh for name, value in values.items()})
        english = entry.en.format_map({name: value.en for name, value in values.items()})
        return Both(chinese, english[:1].upper() + english[1:])

    def asked(self, action: str) -> Both:
        """A next action in both languages. KeyError for one that has no words."""
        return Both(self.action[action].zh, self.action[action].en)


def load_words(path: Path = SHIPPED_WORDS) -> Words:
    """The words in a file; InputError names a place that nothing fills."""
    words = load_toml(path, Words)
    for name, entry in words.prompt.items():
        for text in (entry.zh, entry.en):
            places = {place for _, place, _, _ in string.Formatter().parse(text) if place is not None}
            if unknown := places - _PLACES:
                places_known = ", ".join(sorted(_PLACES))
                raise InputError(
                    f"{path}: prompt.{name}: unknown place {{{unknown.pop()}}}", f"known: {places_known}"
                )
    return words
