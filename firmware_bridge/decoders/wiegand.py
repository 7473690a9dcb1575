"""Decodes Wiegand 26 and 34: bits on two wires, with a parity bit at each end.

The first bit makes the first half even, the last one makes the second half odd. Between them are 24 bits
(eight called facility code, sixteen card number) or 32. Format: CIVINTEC, CN56X0B-X Reader User Manual, 6.4.2
and 6.4.5; RF IDeas, pcProx Plus manual, appendix (H10301). A reader for EM4100 fobs sends the lower 24 or 32
of the fob's 40 bits. A keypad's key press has 4 or 8 bits and is not a card.
"""

from __future__ import annotations

from enum import StrEnum, auto

_DIGIT_BITS = 4
_FORMATS = (26, 34)
KEY_PRESS = (4, 8)
"""Bits of a key press."""


class Unreadable(StrEnum):
    """Why bits are not a card."""

    LENGTH = auto()
    """Another format, a key press, or a card taken away too soon."""
    PARITY = auto()
    """A bit was flipped, or the reader's two wires are swapped."""


def decode(bits: str) -> str | Unreadable:
    """Decode a text of 0 and 1, first bit first, to 6 or 8 lower-case hex digits."""
    if len(bits) not in _FORMATS:
        return Unreadable.LENGTH
    half = len(bits) // 2
    if bits[:half].count("1") % 2 != 0 or bits[half:].count("1") % 2 != 1:
        return Unreadable.PARITY
    digits = (len(bits) - 2) // _DIGIT_BITS
    return f"{int(bits[1:-1], 2):0{digits}x}"
