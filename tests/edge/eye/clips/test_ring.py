"""The ring of the last seconds is bounded, whatever a camera sends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.eye.clips.ring import Ring, RingFrame

FRAMES = st.lists(st.tuples(st.floats(0, 100), st.integers(0, 40)), max_size=80)


@given(FRAMES)
def test_it_never_holds_more_than_its_seconds_and_bytes_and_keeps_the_order(
    sent: list[tuple[float, int]],
) -> None:
    ring = Ring(seconds=10.0, most_bytes=100)
    for at, size in sent:
        ring.put(RingFrame(at, b"x" * size))
        held = ring.between(0, 1000)
        assert sum(len(frame.jpeg) for frame in held) == ring.size <= 100
        assert [frame.at for frame in held] == sorted({frame.at for frame in held})
        assert not held or held[-1].at - held[0].at <= 10.0


def test_it_gives_the_frames_between_two_moments() -> None:
    ring = Ring()
    for at in range(8):
        ring.put(RingFrame(float(at), bytes([at])))
    assert [frame.jpeg for frame in ring.between(2.0, 5.0)] == [b"\2", b"\3", b"\4", b"\5"]


def test_a_frame_from_before_the_newest_is_ignored_and_one_too_large_too() -> None:
    ring = Ring(most_bytes=10)
    for frame in (RingFrame(5.0, b"a"), RingFrame(4.0, b"b"), RingFrame(6.0, b"c" * 11)):
        ring.put(frame)
    assert [frame.jpeg for frame in ring.between(0, 10)] == [b"a"]
    ring.clear()
    assert (ring.between(0, 10), ring.size) == ((), 0)
