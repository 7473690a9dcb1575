from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.decoders.rdm6300 import Rdm6300Decoder

SEEED = b"\x0262E3086CED08\x03"
"""The example of Seeed Studio's page on the module: card 62E3086CED, checksum 08H."""

FOBS = st.binary(min_size=5, max_size=5)


def frame(fob: bytes) -> bytes:
    checksum = fob[0] ^ fob[1] ^ fob[2] ^ fob[3] ^ fob[4]
    return b"\x02%b%02X\x03" % (fob.hex().upper().encode(), checksum)


def test_the_makers_example_is_read() -> None:
    assert Rdm6300Decoder().feed(SEEED) == ["62e3086ced"]


def test_the_number_printed_on_a_fob_is_its_last_four_bytes() -> None:
    # 0008844356 is printed on the fob that sends 10 00 86 F4 44 and the checksum 26 (Hobby Components).
    (number,) = Rdm6300Decoder().feed(b"\x02100086F44426\x03")
    assert bytes.fromhex(number)[1:] == (8844356).to_bytes(4, "big")


def test_lower_case_digits_name_the_same_fob() -> None:
    assert Rdm6300Decoder().feed(SEEED.lower()) == ["62e3086ced"]


@given(st.lists(FOBS), st.data())
def test_frames_are_found_however_the_stream_is_cut(fobs: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(frame, fobs))
    cuts = data.draw(st.lists(st.integers(0, len(stream))).map(sorted))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    decoder = Rdm6300Decoder()
    found = [number for piece in pieces for number in decoder.feed(piece)]
    assert found == [fob.hex() for fob in fobs]


@given(FOBS, st.integers(2, 20))
def test_a_held_fob_is_reported_each_time_it_is_sent(fob: bytes, times: int) -> None:
    assert Rdm6300Decoder().feed(frame(fob) * times) == [fob.hex()] * times


@given(st.binary(max_size=60), FOBS)
def test_no_noise_hides_the_frame_that_follows_it(noise: bytes, fob: bytes) -> None:
    assert Rdm6300Decoder().feed(noise + frame(fob))[-1] == fob.hex()


@given(FOBS, st.integers(2, 20))
def test_an_id_20la_is_read_too_and_known_by_its_new_line(fob: bytes, cut: int) -> None:
    stream = frame(fob)[:-1] + b"\r\n\x03"
    decoder = Rdm6300Decoder()
    assert decoder.feed(stream[:cut]) + decoder.feed(stream[cut:]) == [fob.hex()]
    assert decoder.sends_once
    assert decoder.feed(frame(fob)) == [fob.hex()]
    assert not decoder.sends_once


@given(FOBS, st.integers(0, 13), FOBS)
def test_a_frame_cut_short_is_dropped_and_the_next_one_read(cut: bytes, length: int, whole: bytes) -> None:
    assert Rdm6300Decoder().feed(frame(cut)[:length] + frame(whole)) == [whole.hex()]


@given(FOBS, st.integers(0, 13), st.integers(0, 255))
def test_one_wrong_byte_never_makes_another_fob(fob: bytes, place: int, byte: int) -> None:
    damaged = bytearray(frame(fob))
    damaged[place] = byte
    assert Rdm6300Decoder().feed(bytes(damaged)) in ([], [fob.hex()])


@pytest.mark.parametrize(
    "stream",
    [
        b"\x0262E3086CED09\x03",  # a wrong checksum
        b"\x0262E3086CE08\x03",  # a digit short
        b"\x0262E3086CED080\x03",  # a digit too many
        b"\x0262E3086CED0800\x03",  # a byte too many
        b"\x0262E3086C D08\x03",  # no digit
        b"\x0262E3086CED08\r\x03",  # half a new line
        b"\x0262E3086CED08\n\r\x03",  # one the wrong way round
        b"\x0262E3086CED08\r\n\r\n\x03",  # two
        b"\x0262E308\r\n6CED08\x03",  # one in between
        b"\x02\x03",
        b"62E3086CED08\x03",  # no start
        b"\x0262E3086CED08\x04",  # no end
    ],
)
def test_bytes_that_are_not_a_frame_are_not_a_card(stream: bytes) -> None:
    assert Rdm6300Decoder().feed(stream) == []


def test_an_endless_frame_takes_no_memory() -> None:
    decoder = Rdm6300Decoder()
    decoder.feed(b"\x02" + b"0" * 1_000_000)
    assert len(pickle.dumps(decoder)) < 200
    assert decoder.feed(SEEED) == ["62e3086ced"]
