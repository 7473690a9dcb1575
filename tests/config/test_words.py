"""Every word the station needs, in both languages, with only the places that are filled."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import InputError
from config.station import Language
from config.words import SHIPPED_WORDS, Both, load_words
from edge.faults import FaultCode
from edge.messages import Prompt
from edge.screen.state import NextAction

WORDS = load_words()
WELCOME = WORDS.prompt["welcome"].en
SHIPPED = SHIPPED_WORDS.read_text(encoding="utf-8")


def has_chinese(text: str) -> bool:
    return any("一" <= letter <= "鿿" for letter in text)


@pytest.mark.parametrize("prompt", Prompt)
def test_every_prompt_has_words_in_both_languages(prompt: Prompt) -> None:
    entry = WORDS.prompt[prompt]
    assert has_chinese(entry.zh)
    assert entry.en.isascii()
    assert entry.en


@pytest.mark.parametrize("action", NextAction)
def test_every_next_action_has_words_in_both_languages(action: NextAction) -> None:
    both = WORDS.asked(action)
    assert has_chinese(both.zh)
    assert both.en.isascii()
    assert 1 <= len(both.en.split()) <= 3


@pytest.mark.parametrize("fault", FaultCode)
def test_every_fault_has_its_meaning_and_its_mend_in_both_languages(fault: FaultCode) -> None:
    words = WORDS.fault[fault]
    for both in (words.title, words.meaning, words.mend):
        assert has_chinese(both.zh)
        assert both.en.isascii()
        assert both.en.endswith(".") is (both is not words.title)


def test_every_text_is_used() -> None:
    assert set(WORDS.fault) == set(FaultCode)
    assert set(WORDS.prompt) == set(Prompt)
    assert set(WORDS.action) == set(NextAction)


@pytest.mark.parametrize("prompt", Prompt)
def test_both_languages_say_the_same_things(prompt: Prompt) -> None:
    entry = WORDS.prompt[prompt]
    for place in ("{belongs}", "{label}", "{points}"):
        assert (place in entry.zh) == (place in entry.en)


def test_places_are_filled_in_each_language_and_english_begins_with_a_capital() -> None:
    said = WORDS.said("right", {"label": Both("香蕉皮", "banana peel")})
    assert said == Both("香蕉皮，投对了，谢谢您！", "Banana peel: right bin, thank you!")
    assert (said.within(Language.CHINESE), said.within(Language.ENGLISH)) == (said.zh, said.en)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{name}, hello", "prompt.welcome.en: unknown place {name}; known places: {belongs}, {bin}, "),
        ("hello {}", "prompt.welcome.en: unknown place {}"),
        ("{points.real}", "prompt.welcome.en: unknown place {points.real}"),
        ("{points:{bin}}", "prompt.welcome.en: unknown place {points}"),
        ("{points!x}", "prompt.welcome.en: unknown place {points}"),
        ("half a {brace", "prompt.welcome.en: braces do not match ("),
        ("half a brace}", "prompt.welcome.en: braces do not match ("),
    ],
)
def test_an_unknown_place_is_named(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "prompts.toml"
    file.write_text(SHIPPED.replace(WELCOME, text), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_words(file)
    assert str(caught.value).startswith(f"{file}: {told}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            f'en = "{WELCOME}"',
            "",
            "missing key prompt.welcome.en; add it",
        ),
        (
            f'en = "{WELCOME}"',
            'english = "Hello"',
            "unknown key prompt.welcome.english; known here",
        ),
        ('en = "Tap card"', "en = 7", "action.tap.en: expected `str`, got `int`, found 7; mend the value"),
        ("[prompt.welcome]", "[prompts.welcome]", "unknown key prompts; did you mean prompt?"),
    ],
)
def test_a_mistake_in_the_texts_names_the_whole_key(tmp_path: Path, old: str, new: str, told: str) -> None:
    file = tmp_path / "prompts.toml"
    file.write_text(SHIPPED.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_words(file)
    assert str(caught.value).startswith(f"{file}: {told}")
