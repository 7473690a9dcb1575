"""The firmware's frames compared with firmware_bridge/link/frame.py, written independently."""

from __future__ import annotations

import ctypes

from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.link import frame
from firmware_bridge.link.frame import Frame, FrameDecoder
from tests.firmware_bridge.firmware.core import WIRE_MAX, CFrame, FrameReader

bodies = st.binary(max_size=64) | st.lists(st.sampled_from([0, 1, 255]), max_size=64).map(bytes)
frames = st.builds(Frame, st.integers(0, 255), st.integers(0, 255), bodies)


def written(library: ctypes.CDLL, one: Frame) -> bytes:
    wire = (ctypes.c_uint8 * WIRE_MAX)()
    room = (ctypes.c_uint8 * 64).from_buffer_copy(one.body.ljust(64, b"\0"))
    made = CFrame(one.type, one.sequence, len(one.body), room)
    return bytes(wire[: library.frame_write(ctypes.byref(made), wire)])


def read(library: ctypes.CDLL, data: bytes, reader: FrameReader) -> list[Frame]:
    one = CFrame()
    return [
        Frame(one.type, one.number, bytes(one.body[: one.length]))
        for byte in data
        if library.frame_read(ctypes.byref(reader), byte, ctypes.byref(one))
    ]


@given(one=frames)
def test_c_and_python_write_a_frame_as_the_same_bytes(library: ctypes.CDLL, one: Frame) -> None:
    assert written(library, one) == frame.encode(one)


def test_the_longest_frame_is_written_and_read(library: ctypes.CDLL) -> None:
    longest = Frame(255, 255, b"\xff" * 64)
    assert read(library, written(library, longest), FrameReader()) == [longest]


def test_a_longer_body_is_not_written(library: ctypes.CDLL) -> None:
    wire = (ctypes.c_uint8 * WIRE_MAX)()
    assert library.frame_write(ctypes.byref(CFrame(1, 1, 65)), wire) == 0


@given(
    pieces=st.lists(frames.map(frame.encode) | st.binary(max_size=90)),
    flips=st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 255)), max_size=6),
)
def test_c_and_python_find_the_same_frames_in_the_same_noise(
    library: ctypes.CDLL, pieces: list[bytes], flips: list[tuple[int, int]]
) -> None:
    stream = bytearray(b"".join(pieces))
    for at, mask in flips:
        if stream:
            stream[at % len(stream)] ^= mask
    decoder, reader = FrameDecoder(), FrameReader()
    assert read(library, bytes(stream), reader) == decoder.feed(bytes(stream))
    assert reader.dropped == sum(decoder.dropped.values())


def test_after_a_burst_that_is_too_long_the_next_frame_is_read(library: ctypes.CDLL) -> None:
    one, reader = Frame(1, 1, b"open"), FrameReader()
    assert read(library, b"\x55" * 1000 + b"\0" + frame.encode(one), reader) == [one]
    assert reader.dropped == 1
