"""The words of voice and screen, in Chinese and English, read from prompts.toml."""

from __future__ import annotations

import string
from pathlib import Path

import msgspec

from config.errors import InputError
from config.reading.load import load_toml
from config.station import Language

SHIPPED_WORDS = Path(__file__).parent / "prompts.toml"
_PLACES = {"bin", "belongs", "label", "points"}


class Both(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One text in both languages."""

    zh: str
    en: str

    def within(self, language: Language) -> str:
        """The text in one language."""
        return self.zh if language is Language.CHINESE else self.en


class FaultWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault's title, what it means, and what to do about it at the station."""

    title: Both
    meaning: Both
    mend: Both


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every prompt, next action and fault, by name."""

    prompt: dict[str, Both]
    action: dict[str, Both]
    fault: dict[str, FaultWords]

    def said(self, prompt: str, values: dict[str, Both]) -> Both:
        """A prompt with its places filled, in both languages. KeyError for a prompt that has no words."""
        entry = self.prompt[prompt]
        chinese = entry.zh.format_map({name: value.zh for name, value in values.items()})
        english = entry.en.format_map({name: value.en for name, value in values.items()})
        return Both(chinese, english[:1].upper() + english[1:])

    def asked(self, action: str) -> Both:
        """A next action in both languages. KeyError for one that has no words."""
        return self.action[action]


def load_words(path: Path = SHIPPED_WORDS) -> Words:
    """The words in a file; InputError names a place that nothing fills."""
    words = load_toml(path, Words)
    for name, entry in words.prompt.items():
        for language, text in (("zh", entry.zh), ("en", entry.en)):
            if wrong := _wrong_places(text):
                known = ", ".join(f"{{{place}}}" for place in sorted(_PLACES))
                raise InputError(f"{path}: prompt.{name}.{language}: {wrong}", f"known places: {known}")
    return words


def _wrong_places(text: str) -> str | None:
    """What is wrong with a text's places; None when each is one that is filled."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        return f"braces that do not fit ({error})"
    for _, place, style, conversion in parts:
        if place is not None and (place not in _PLACES or style or conversion):
            return f"unknown place {{{place}}}"
    return None
