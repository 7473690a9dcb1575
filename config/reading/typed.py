"""Normalise what people type to the one form that is stored and looked up; only this module does it.

Full-width letters, other dashes, other case or extra spaces do not make another name. Invisible characters
are refused, because names that look the same must be the same.
"""

from __future__ import annotations

import re
import unicodedata

import msgspec

from config.errors import InputError
from config.wiring import Slug

SHORTEST_CARD = 12
"""Digits of a card's hash that lists print to name it."""

_DASHES = re.compile("[\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d]")
_UNSEEN = {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"}
"""Unicode categories of characters that are invisible or undefined."""
_BLANK = re.compile("[\u034f\u115f\u1160\u2800\u3164\uffa0]")
"""Blank letters and signs: fillers, and the empty Braille cell."""
_VARIANTS = re.compile("[\u180b-\u180d\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""They select another glyph of the character before them; a rare family name may need it, a code does not."""


def line(what: str, text: str, longest: int, *, may_be_empty: bool = False) -> str:
    """Return a name or sentence in one line: NFC, trimmed, single spaces; InputError for anything else."""
    found = unicodedata.normalize("NFC", text).strip()
    is_one = len(found.splitlines()) <= 1
    found = " ".join(_seen(what, found).split()) if is_one else found
    if not is_one or (not found and not may_be_empty) or len(found) > longest:
        raise InputError(
            f"{what}: {_shown(text)} cannot be used", f"give one line of 1 to {longest} characters"
        )
    return found


def code(what: str, text: str, longest: int) -> str:
    """Return a door code: ASCII for full-width, upper case, one hyphen for inner spaces and dashes."""
    found = _seen(what, _compatible(text))
    if _VARIANTS.search(found):
        raise InputError(f"{_shown(text)} is not a {what}", "type it without variants of characters")
    found = re.sub(r"[\s-]+", "-", found).strip("-").upper()
    if not found or len(found) > longest:
        raise InputError(f"{_shown(text)} is not a {what}", f"use 1 to {longest} characters")
    return found


def slug(text: str) -> str:
    """Return a station's, worker's or community's name as in topics: ASCII, lower case; not yet checked."""
    return _compatible(text).lower()


def topic_name(what: str, text: str) -> str:
    """A station's or community's name as topics carry it; InputError for what is none."""
    try:
        return msgspec.convert(slug(text), type=Slug)
    except msgspec.ValidationError:
        told = f"{what} {_shown(text)} is no name for a topic"
        raise InputError(told, "use lower-case letters, digits and hyphens, 32 at most") from None


def hexadecimal(text: str) -> str:
    """Return hex digits as stored: ASCII, lower case, without spaces and colons; not yet checked."""
    return re.sub(r"[\s:]+", "", _compatible(text)).lower()


def card(text: str) -> str:
    """Return a card's hash, or the first 12 or more of its 64 digits; InputError for anything else."""
    found = hexadecimal(text)
    if not re.fullmatch(rf"[0-9a-f]{{{SHORTEST_CARD},64}}", found):
        raise InputError(
            f"{_shown(text)} is not a card hash",
            f"give its 64 hex digits, or the first {SHORTEST_CARD} or more, as `held list` prints them",
        )
    return found


def without_spaces(text: str) -> str:
    """Return a code as it was copied: ASCII for full-width, hyphens for dashes, no space; not yet checked."""
    return re.sub(r"\s+", "", _compatible(text))


def _compatible(text: str) -> str:
    """Replace full-width forms and all dashes by ASCII, and trim."""
    return _DASHES.sub("-", unicodedata.normalize("NFKC", text)).strip()


def _seen(what: str, text: str) -> str:
    for letter in text:
        if unicodedata.category(letter) in _UNSEEN or _BLANK.match(letter):
            name = unicodedata.name(letter, f"U+{ord(letter):04X}")
            raise InputError(
                f"{what}: {_shown(text)} holds {name}, which is invisible", "type it without that"
            )
    return text


def _shown(text: str) -> str:
    """Return what was typed, short enough for a line."""
    shown = text if len(text) <= 80 else f"{text[:80]}…"  # noqa: PLR2004 (a line's width)
    return repr(shown)
