"""Cards as people write them: a hash, the beginning of one, or the number of a fob."""

from __future__ import annotations

import re
from collections.abc import Collection

from cloud_sync.wire.cards import card_hash
from cloud_sync.wire.facts import Credential
from config.errors import InputError
from firmware_bridge.decoders.em4100 import CardBits, canonical, is_fob

HASH_DIGITS = 64
PREFIX_DIGITS = 12
"""As few as the ledger's lists and logs print."""
_HEX = re.compile(r"[0-9a-f]+")
_PRINTED = re.compile(r"(?P<facility>\d{1,3}),(?P<number>\d{1,5})")
_DIGIT_BITS = 4
_DECIMAL_DIGITS = 10
"""What most fobs have printed: their lower 32 bits."""


def card_named(word: str, key: bytes, width: CardBits, known: Collection[str]) -> str:
    """The hash of the card that a person means; InputError where it could be none, or several.

    `known` are cards that the station has seen or has in its roster; the first digits of one are enough.
    """
    word = word.strip().lower()
    if _HEX.fullmatch(word) and len(word) == HASH_DIGITS:
        return word
    if _HEX.fullmatch(word) and len(word) >= PREFIX_DIGITS:
        return _only(word, [card for card in known if card.startswith(word)])
    return card_hash(key, Credential.EM4100, _number(word, width))


def _only(word: str, found: list[str]) -> str:
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"{word} begins {len(found)} cards", "give more of its digits")
    raise InputError(f"{word} begins no card that this station knows", "give all 64 digits of its hash")


def _number(word: str, width: CardBits) -> str:
    digits, bits = _digits(word, width)
    if not is_fob(digits):
        raise InputError(f"no fob has the number {word}", "copy what stands on it, or tap it and say: last")
    if bits < width:
        raise InputError(
            f"{word} are {bits} bits of a fob, and this community knows its fobs by {int(width)}",
            "tap it at the station and say: last",
        )
    return canonical(digits, width)


def _digits(word: str, width: CardBits) -> tuple[str, int]:
    """The hex digits that a number on a fob means, and how many of its bits they are."""
    if (printed := _PRINTED.fullmatch(word)) is not None:
        value = int(printed["facility"]) << 16 | int(printed["number"])
        return f"{value:06x}", CardBits.WIEGAND_26
    if word.isdecimal() and len(word) == _DECIMAL_DIGITS and width < CardBits.ALL:
        return f"{int(word):08x}", CardBits.WIEGAND_34
    if _HEX.fullmatch(word) and len(word) in (6, 8, 10):
        return word, _DIGIT_BITS * len(word)
    mend = "give its hash, its number as hex digits or as it is printed (226,25326), or: last"
    raise InputError(f"{word!r} is no card", mend)
