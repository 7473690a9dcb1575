from __future__ import annotations

import pytest

from firmware_bridge.decoders.em4100 import is_fob


@pytest.mark.parametrize("digits", [6, 8, 10])
@pytest.mark.parametrize("stuck", "0fF")
def test_a_stuck_wire_is_not_a_fob_at_any_width(digits: int, stuck: str) -> None:
    assert not is_fob(stuck * digits)


@pytest.mark.parametrize("byte", ["55", "a0", "0f", "01"])
def test_five_equal_bytes_are_not_a_fob_though_their_checksum_fits(byte: str) -> None:
    assert not is_fob(5 * byte)
    assert is_fob(3 * byte)


def test_an_empty_number_is_not_a_fob() -> None:
    assert not is_fob("")


@pytest.mark.parametrize("number", ["62e3086ced", "0000000001", "00ffffffff", "000001", "ffffff00"])
def test_other_numbers_are_fobs(number: str) -> None:
    assert is_fob(number)
