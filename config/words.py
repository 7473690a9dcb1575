"""The texts of voice and screen in Chinese and English, read from prompts.toml."""

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
        """Return the text in one language."""
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
        """Return a prompt with its places filled, in both languages. KeyError for an unknown prompt."""
        entry = self.prompt[prompt]
        chinese = entry.zh.format_map({name: value.zh for name, value in values.items()})
        english = entry.en.format_map({name: value.en for name, value in values.items()})
        return Both(chinese, english[:1].upper() + english[1:])

    def asked(self, action: str) -> Both:
        """Return a next action in both languages. KeyError for an unknown action."""
        return self.action[action]


def load_words(path: Path = SHIPPED_WORDS) -> Words:
    """Read the texts in a file; InputError names an unknown place in a prompt."""
    words = load_toml(path, Words)
    for name, entry in words.prompt.items():
        for language, text in (("zh", entry.zh), ("en", entry.en)):
            if wrong := _wrong_places(text):
                known = ", ".join(f"{{{place}}}" for place in sorted(_PLACES))
                raise InputError(f"{path}: prompt.{name}.{language}: {wrong}", f"known places: {known}")
    return words


def _wrong_places(text: str) -> str | None:
    """Return what is wrong with a text's places; None if all are known."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        return f"braces do not match ({error})"
    for _, place, style, conversion in parts:
        if place is not None and (place not in _PLACES or style or conversion):
            return f"unknown place {{{place}}}"
    return None
