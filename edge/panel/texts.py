"""The screen's own words, read from texts.toml: a name for each place on the screen."""

from __future__ import annotations

from pathlib import Path

import msgspec

from config.load import load_toml
from config.station import Language

SHIPPED_TEXTS = Path(__file__).parent / "texts.toml"


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One text in both languages."""

    zh: str
    en: str

    def within(self, language: Language) -> str:
        """The text in one language."""
        return self.zh if language is Language.CHINESE else self.en


class Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every text of the screen; texts.toml says where each stands."""

    title: Text
    right: Text
    elsewhere: Text
    unsure: Text
    unseen: Text
    nothing: Text
    kept: Text
    away: Text
    goes_in: Text
    maybe: Text
    something: Text
    points: Text
    next: Text
    sees: Text
    no_picture: Text
    faulty: Text
    full: Text
    shut: Text
    opening: Text
    open: Text
    closing: Text
    notice: Text
    statement: Text
    away_why: Text
    away_back: Text
    faults: Text
    no_faults: Text
    fault_part: Text
    fault_meaning: Text
    fault_mend: Text
    fault_unknown: Text
    outbox: Text
    station_down: Text
    back: Text

    def within(self, language: Language) -> dict[str, str]:
        """Every text in one language, by name."""
        return {name: text.within(language) for name, text in msgspec.structs.asdict(self).items()}


def load_texts() -> Texts:
    """The texts that Tongzhan ships."""
    return load_toml(SHIPPED_TEXTS, Texts)
