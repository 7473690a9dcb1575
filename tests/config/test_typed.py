"""What people type has one form, whatever keyboard it came from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import InputError
from config.reading import typed

CODES = [
    "3-2-501",
    " 3-2-501 ",
    "３－２－５０１",
    "3–2—501",
    "3 - 2 - 501",
    "3 2 501",
    "3\u30002-501",
    "3−2--501",
]


@pytest.mark.parametrize("text", CODES)
def test_a_code_is_the_same_however_it_is_typed(text: str) -> None:
    assert typed.code("household code", text, 32) == "3-2-501"


@pytest.mark.parametrize("text", ["a-1", "A-1", "Ａ－１", "a - 1"])
def test_the_case_of_a_code_does_not_count(text: str) -> None:
    assert typed.code("household code", text, 32) == "A-1"


@pytest.mark.parametrize("text", ["", " ", "-", "\u3000", "x" * 33])
def test_an_invalid_code_is_refused_in_a_short_line(text: str) -> None:
    with pytest.raises(InputError, match="use 1 to 32 characters") as refused:
        typed.code("household code", text, 32)
    assert len(str(refused.value)) < 150


UNSEEN = ["\u200b", "\ufeff", "\u202e", "\u2060", "\x00", "\x1b", "\u3164", "\u2800", "\u00ad"]


@pytest.mark.parametrize("letter", UNSEEN)
def test_an_invisible_character_is_refused_by_its_name(letter: str) -> None:
    for read in (typed.code, typed.line):
        with pytest.raises(InputError, match="which is invisible"):
            read("the name", f"3-2{letter}-501", 64)


def test_a_name_keeps_its_letters_in_composed_form() -> None:
    assert typed.line("the name", "  Ame\u0301lie   王家 ", 64) == "Am\u00e9lie 王家"
    assert typed.line("the name", " ", 64, may_be_empty=True) == ""
    for bad in ("x" * 5000, "a\nb", "a\u2028b"):
        with pytest.raises(InputError, match="give one line of 1 to 64 characters"):
            typed.line("the name", bad, 64)


@pytest.mark.parametrize(
    "text", ["0123456789ab", "0123456789AB", "０１２３456789ab", "0123 4567 89ab\n", "01:23:45:67:89:ab"]
)
def test_a_card_is_named_by_twelve_digits_or_more(text: str) -> None:
    assert typed.card(text) == "0123456789ab"


@pytest.mark.parametrize("text", ["", "0123456789a", "G" * 64, "0" * 65, "0x1234567890ab"])
def test_the_error_for_an_invalid_card_hash_says_what_is_valid(text: str) -> None:
    with pytest.raises(InputError, match="as `held list` prints them"):
        typed.card(text)


@given(st.text(max_size=40))
def test_normalising_twice_changes_nothing(text: str) -> None:
    for read in (typed.code, typed.line):
        try:
            once = read("the name", text, 64)
        except InputError:
            continue
        assert read("the name", once, 64) == once
    assert typed.slug(typed.slug(text)) == typed.slug(text)
