"""An enrolment code survives how people copy it, and tells when they copied it wrong."""

from __future__ import annotations

import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.wire.enrolment_code import (
    CODE_LETTERS,
    LEDGER_BYTES,
    LETTERS,
    NUMBER_BYTES,
    PREFIX,
    SECRET_BYTES,
    EnrolmentCode,
    ledger_name,
    parse_code,
)
from config.errors import InputError

HOSTS = st.sampled_from(["points.example.org", "127.0.0.1", "::1", "a", "xn--fiq.example-town.cn"])
codes = st.builds(
    EnrolmentCode,
    HOSTS,
    st.integers(1, 65535),
    st.booleans(),
    st.binary(min_size=NUMBER_BYTES, max_size=NUMBER_BYTES),
    st.binary(min_size=LEDGER_BYTES, max_size=LEDGER_BYTES),
    st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES),
)
CODE = EnrolmentCode("points.example.org", 443, True, bytes(5), ledger_name(bytes(32)), bytes(range(10)))  # noqa: FBT003 (tls)
SAME = {"0": "Oo", "1": "IiLl"}


@given(codes)
def test_a_code_says_what_it_was_made_of(code: EnrolmentCode) -> None:
    assert parse_code(code.text()) == code


@given(codes)
def test_a_code_is_read_however_it_was_copied(code: EnrolmentCode) -> None:
    text = code.text()
    full_width = "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)
    place, _, letters = text.rpartition("/")
    loose = f"  {place.lower()}/\n{letters.replace('-', ' – ').replace('0', 'o').replace('1', 'l')} "
    assert parse_code(full_width) == parse_code(loose) == parse_code(text.lower()) == code
    assert parse_code(f"{place}/{letters.replace('-', '')}") == code


@given(codes, st.data())
def test_any_one_letter_changed_is_found(code: EnrolmentCode, data: st.DataObject) -> None:
    text = code.text()
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=126))
    before = text[at]
    same = SAME.get(before, "") if at > text.rindex("/") else ""
    if other.upper() == before.upper() or other in same:
        return
    with pytest.raises(InputError):
        parse_code(text[:at] + other + text[at + 1 :])


@given(codes, st.integers(0, CODE_LETTERS - 2))
def test_two_letters_swapped_are_found(code: EnrolmentCode, at: int) -> None:
    place, _, letters = code.text().replace("-", "").rpartition("/")
    swapped = letters[:at] + letters[at + 1] + letters[at] + letters[at + 2 :]
    place = code.text().rpartition("/")[0]
    if swapped == letters:
        assert parse_code(f"{place}/{swapped}") == code
        return
    with pytest.raises(InputError, match="a letter of the enrolment code is wrong"):
        parse_code(f"{place}/{swapped}")


@given(st.text(max_size=500))
def test_any_text_is_a_code_or_refused(text: str) -> None:
    with suppress(InputError):
        parse_code(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "begins with TZ1:"),
        ("https://points.example.org", "begins with TZ1:"),
        ("WIFI:S:guests;", "begins with TZ1:"),
        (CODE.text()[:-1], "has 63 letters after its host, a whole one has 64"),
        (CODE.text() + "A", "has 65 letters"),
        (CODE.text()[:-1] + "U", "no enrolment code has 'U'"),
        (CODE.text() + "A" * 400, "too long"),
        (CODE.text().replace("POINTS", "POINT5"), "or of the host in it"),
    ],
)
def test_what_is_no_code_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_code(text)


def test_a_code_of_a_newer_kind_says_what_to_do() -> None:
    place, _, letters = CODE.text().rpartition("/")
    number = sum(
        LETTERS.index(letter) << 5 * at for at, letter in enumerate(reversed(letters.replace("-", "")))
    )
    data = bytes([0x80]) + number.to_bytes(40, "big")[1:36]
    check = zlib.crc32(place.removeprefix(PREFIX).encode() + b"/" + data).to_bytes(4, "big")
    whole = int.from_bytes(data + check, "big")
    newer = "".join(LETTERS[whole >> 5 * at & 31] for at in reversed(range(CODE_LETTERS)))
    with pytest.raises(InputError, match="of a newer kind; upgrade"):
        parse_code(f"{place}/{newer}")


def test_a_code_shows_its_secret_to_no_log_and_its_place_to_a_person() -> None:
    assert repr(CODE) == "EnrolmentCode(points.example.org, …)"
    assert CODE.url == "https://points.example.org"
    local = EnrolmentCode("::1", 8000, False, bytes(5), bytes(20), bytes(10))  # noqa: FBT003 (tls)
    assert local.url == "http://[::1]:8000"
