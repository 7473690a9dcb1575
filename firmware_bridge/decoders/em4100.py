"""One fob, one number, whichever reader saw it.

An EM4100 fob has 40 bits. An RDM6300 sends them all, Wiegand 34 the lower 32, Wiegand 26 the lower 24. What
a community's readers have in common is what its fobs are known by, so a community chooses one width for all
of them: that of its narrowest reader, and no less. At 24 bits strangers' fobs may be one card: among 1,000
random fobs two are alike in 3 % of communities, among 5,000 in half of them; at 32 bits in 0.3 % of those
with 5,000. Another width makes other numbers of all cards, so it is chosen before cards are given out.

Noise makes numbers too. A wire that is stuck, or a field without a fob, gives zeros or ones, and both fit
the checks of every format by themselves; so does one byte again and again in an RDM6300's frame, since the
XOR of five equal bytes is that byte. None of these is a fob: of 2^40 numbers they are 256, of 2^24 two.
"""

from __future__ import annotations

from enum import IntEnum


class CardBits(IntEnum):
    """How many of a fob's lower bits a community knows it by."""

    WIEGAND_26 = 24
    WIEGAND_34 = 32
    ALL = 40


_DIGIT_BITS = 4
_BYTE_DIGITS = 2
_STUCK = (frozenset("0"), frozenset("f"))


def is_fob(number: str) -> bool:
    """Whether a fob can have this number (hex digits of any width); False for numbers that noise makes."""
    digits = number.lower()
    byte = digits[:_BYTE_DIGITS]
    is_one_byte = len(digits) * _DIGIT_BITS == CardBits.ALL and digits == byte * (len(digits) // _BYTE_DIGITS)
    return bool(digits) and frozenset(digits) not in _STUCK and not is_one_byte


def canonical(number: str, width: CardBits) -> str:
    """The canonical number of a fob, from what a reader's decoder gave: its lower `width` bits in hex digits.

    ValueError for a reader that gives fewer bits than that: its cards could not be told apart.
    """
    digits = width // _DIGIT_BITS
    if len(number) < digits:
        raise ValueError(f"this reader gives {_DIGIT_BITS * len(number)} bits of a card, not {width}")
    return number[-digits:].lower()
