"""Gives a fob the same number at every reader.

An EM4100 fob has 40 bits. An RDM6300 sends all of them, Wiegand 34 the lower 32, Wiegand 26 the lower 24. So
a community chooses one width for all its readers: that of its narrowest one. At 24 bits two fobs may have the
same number: this happens in 3 % of communities with 1,000 random fobs and in half of those with 5,000; at 32
bits in 0.3 % of those with 5,000. Another width changes the numbers of all cards, so choose it before cards
are given out.

Noise makes numbers too. A stuck wire, or a field without a fob, gives all zeros or all ones, and both pass
the checks of every format. So does an RDM6300's frame of five equal bytes, because their XOR is the same
byte. None of these is a fob: they are 256 of 2^40 numbers, and two of 2^24.
"""

from __future__ import annotations

from enum import IntEnum


class CardBits(IntEnum):
    """How many of a fob's lower bits a community uses."""

    WIEGAND_26 = 24
    WIEGAND_34 = 32
    ALL = 40


_DIGIT_BITS = 4
_BYTE_DIGITS = 2
_STUCK = (frozenset("0"), frozenset("f"))


def is_fob(number: str) -> bool:
    """Return whether a fob can have this number (hex digits of any width); False for numbers of noise."""
    digits = number.lower()
    byte = digits[:_BYTE_DIGITS]
    is_one_byte = len(digits) * _DIGIT_BITS == CardBits.ALL and digits == byte * (len(digits) // _BYTE_DIGITS)
    return bool(digits) and frozenset(digits) not in _STUCK and not is_one_byte


def canonical(number: str, width: CardBits) -> str:
    """Return a fob's canonical number: the lower `width` bits of a decoder's number, as hex digits.

    ValueError for a reader that gives fewer bits than that.
    """
    digits = width // _DIGIT_BITS
    if len(number) < digits:
        raise ValueError(f"this reader gives {_DIGIT_BITS * len(number)} bits of a card, not {width}")
    return number[-digits:].lower()
