from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.decoders import rdm6300
from firmware_bridge.decoders.em4100 import CardBits, canonical
from firmware_bridge.decoders.wiegand import Unreadable, decode

CIVINTEC_26 = "1 11010100 00011011 10000001 0"
"""CIVINTEC, CN56X0B-X Reader User Manual, 6.4.2: data D4 1B 81."""
CIVINTEC_34 = "1 10001001 11010100 00011011 10000001 1"
"""The same, 6.4.5: data 89 D4 1B 81."""

FOBS = st.binary(min_size=5, max_size=5)


def wiegand(data: bytes) -> str:
    bits = f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}"
    first, second = bits[: len(bits) // 2], bits[len(bits) // 2 :]
    return f"{first.count('1') % 2}{bits}{1 - second.count('1') % 2}"


def rdm6300_frame(fob: bytes) -> bytes:
    checksum = fob[0] ^ fob[1] ^ fob[2] ^ fob[3] ^ fob[4]
    return b"\x02%b%02X\x03" % (fob.hex().upper().encode(), checksum)


@pytest.mark.parametrize(
    ("bits", "number"),
    [
        (CIVINTEC_26, "d41b81"),
        (CIVINTEC_34, "89d41b81"),
        # jessety/wiegand-encoder, README: facility code 90, card number 324
        ("00101101000000001010001000", f"{90:02x}{324:04x}"),
        # z9security, Z9.Protobuf.Community, TestBinaryFormatter: facility code 68, card number 41551
        ("00100010010100010010011111", f"{68:02x}{41551:04x}"),
    ],
)
def test_examples_of_makers_and_other_decoders_are_read(bits: str, number: str) -> None:
    assert decode(bits.replace(" ", "")) == number


@given(st.one_of(st.binary(min_size=3, max_size=3), st.binary(min_size=4, max_size=4)))
def test_every_number_of_both_formats_is_read(data: bytes) -> None:
    assert decode(wiegand(data)) == data.hex()


@given(st.one_of(st.binary(min_size=3, max_size=3), st.binary(min_size=4, max_size=4)), st.data())
def test_a_flipped_bit_is_not_a_card(data: bytes, draw: st.DataObject) -> None:
    bits = wiegand(data)
    place = draw.draw(st.integers(0, len(bits) - 1))
    flipped = bits[:place] + ("0" if bits[place] == "1" else "1") + bits[place + 1 :]
    assert decode(flipped) is Unreadable.PARITY


@given(st.binary(min_size=3, max_size=3))
def test_swapped_wires_are_not_a_card(data: bytes) -> None:
    # Each half has an odd number of bits (13): exchanged, the even half is odd, and the odd one even.
    assert decode(wiegand(data).translate(str.maketrans("01", "10"))) is Unreadable.PARITY


@given(st.text("01", max_size=70).filter(lambda bits: len(bits) not in (26, 34)))
def test_any_other_number_of_bits_is_not_a_card(bits: str) -> None:
    assert decode(bits) is Unreadable.LENGTH


@given(FOBS)
def test_one_fob_is_one_card_through_every_reader(fob: bytes) -> None:
    (through_rdm6300,) = rdm6300.Rdm6300Decoder().feed(rdm6300_frame(fob))
    through_34, through_26 = decode(wiegand(fob[1:])), decode(wiegand(fob[2:]))
    assert isinstance(through_34, str)
    assert isinstance(through_26, str)
    assert canonical(through_rdm6300, CardBits.WIEGAND_34) == canonical(through_34, CardBits.WIEGAND_34)
    by_24_bits = {
        canonical(number, CardBits.WIEGAND_26) for number in (through_rdm6300, through_34, through_26)
    }
    assert by_24_bits == {fob[2:].hex()}


def test_wiegand_gives_the_number_printed_on_a_fob() -> None:
    # 0008844356 and 134,62532 are printed on the fob that sends 10 00 86 F4 44 (Hobby Components' forum).
    (number,) = rdm6300.Rdm6300Decoder().feed(b"\x02100086F44426\x03")
    assert canonical(number, CardBits.WIEGAND_26) == f"{134:02x}{62532:04x}"
    assert canonical(number, CardBits.WIEGAND_34) == f"{8844356:08x}"
    assert canonical(number, CardBits.ALL) == number


@pytest.mark.parametrize(("number", "width"), [("d41b81", 32), ("d41b81", 40), ("89d41b81", 40)])
def test_a_reader_that_gives_too_few_bits_is_refused(number: str, width: int) -> None:
    with pytest.raises(ValueError, match=f"not {width}"):
        canonical(number, CardBits(width))
