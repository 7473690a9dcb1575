"""What real readers send of a fob, for a simulated world whose readers are wired. Pure.

The inverse of the decoders in `firmware_bridge.decoders`, which name their sources.
"""

from __future__ import annotations

from functools import reduce
from operator import xor

_WIEGAND_34 = 32


def rdm6300_frame(number: str) -> bytes:
    """The frame of a fob's ten hex digits: 14 bytes."""
    checksum = reduce(xor, bytes.fromhex(number))
    return b"\x02" + f"{number}{checksum:02x}".upper().encode("ascii") + b"\x03"


def wiegand_34(number: str) -> str:
    """The bits of a fob's lower 32 bits, as a text of 0 and 1."""
    data = f"{int(number, 16) % 2**_WIEGAND_34:0{_WIEGAND_34}b}"
    first, second = data[: _WIEGAND_34 // 2], data[_WIEGAND_34 // 2 :]
    return f"{first.count('1') % 2}{data}{1 - second.count('1') % 2}"
