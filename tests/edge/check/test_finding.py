"""The texts of the check: complete in both languages, with every place filled."""

from __future__ import annotations

import string

import pytest

from config.station import Language
from config.words import Both, load_words
from edge.check.finding import Finding, Level, line, load_texts

TEXTS = load_texts()


def places(text: str) -> set[str]:
    return {place for _, place, _, _ in string.Formatter().parse(text) if place}


@pytest.mark.parametrize("name", sorted(TEXTS.says))
def test_both_languages_use_the_same_places(name: str) -> None:
    text = TEXTS.says[name]
    assert places(text.seen.zh) <= places(text.seen.en) | {"free"}
    if text.mend is not None:
        assert places(text.mend.zh) == places(text.mend.en)


@pytest.mark.parametrize("name", sorted(TEXTS.mend))
def test_every_fix_uses_the_same_places_in_both_languages(name: str) -> None:
    assert places(TEXTS.mend[name].zh) == places(TEXTS.mend[name].en)


def test_every_state_has_its_word() -> None:
    assert set(TEXTS.state) == set(Level)


def test_a_line_is_in_one_language_with_its_places_filled() -> None:
    finding = Finding("camera", Level.DOUBTFUL, "camera_dark", "over", {"bins": "kitchen"})
    english, chinese = (line(finding, TEXTS, language) for language in (Language.ENGLISH, Language.CHINESE))
    assert english.part == "camera over"
    assert english.seen == "The picture is nearly black (bins: kitchen)."
    assert english.mend.startswith("Take off the lens cap")
    assert chinese.part == "摄像头 over"
    assert "kitchen" in chinese.seen


def test_a_fault_brings_the_catalogues_words() -> None:
    words = load_words().fault["reader_failed"]
    found = line(Finding("reader", Level.FAILED, "fault", "gate", fault=words), TEXTS, Language.ENGLISH)
    assert Both(found.seen, found.mend) == Both(words.meaning.en, words.mend.en)
