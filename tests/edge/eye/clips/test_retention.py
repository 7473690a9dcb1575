"""Clips leave when they are old or in the way, the least needed first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.eye.clips.choose import RANK, ClipReason
from edge.eye.clips.retention import Keeping, StoredClip, surplus

DAY_S = 86_400.0
KEEPING = Keeping(keep_s=3 * DAY_S, most_bytes=1000, leave_bytes=500)
PLENTY = 10**9


def stored(
    name: str, reason: ClipReason = ClipReason.UNSURE, wall_s: float | None = 0.0, size: int = 100
) -> StoredClip:
    return StoredClip(name, reason, 0.5, "2026-06-01", wall_s, size)


def gone(clips: list[StoredClip], now_s: float | None = 0.0, free: int = PLENTY) -> list[str]:
    return [one.id for one in surplus(clips, KEEPING, now_s, free)]


def test_a_clip_is_deleted_after_its_hours_and_one_of_an_alarm_after_ten_times_as_long() -> None:
    clips = [
        stored("a"),
        stored("b", ClipReason.ALARM),
        stored("c", ClipReason.APPEAL),
        stored("d", wall_s=DAY_S),
    ]
    assert gone(clips, 3 * DAY_S) == []
    assert gone(clips, 3 * DAY_S + 1) == ["a"]
    assert gone(clips, 30 * DAY_S + 1) == ["a", "b", "c", "d"]


def test_without_a_trusted_calendar_nothing_is_deleted_for_its_age() -> None:
    assert gone([stored("a")], None) == []
    assert gone([stored("a", wall_s=None)], 99 * DAY_S) == []


CLIPS = st.lists(
    st.tuples(st.sampled_from(list(ClipReason)), st.floats(0, 1), st.integers(0, 400)), max_size=20
).map(
    lambda rows: [
        StoredClip(str(at), reason, worth, "day", 0.0, size) for at, (reason, worth, size) in enumerate(rows)
    ]
)


@given(CLIPS, st.integers(0, 1000))
def test_for_room_only_as_many_leave_as_must_and_no_clip_before_a_less_needed_one(
    clips: list[StoredClip], free: int
) -> None:
    left = {clip.id: clip for clip in clips}
    deleted = [left.pop(name) for name in gone(clips, 0.0, free)]
    size, room = sum(clip.size for clip in left.values()), free + sum(clip.size for clip in deleted)
    assert not left or (size <= KEEPING.most_bytes and room >= KEEPING.leave_bytes)
    needs = [(RANK[clip.reason], clip.worth) for clip in deleted]
    assert needs == sorted(needs)
    assert all((RANK[clip.reason], clip.worth) >= needs[-1] for clip in left.values() if needs)
    if deleted:
        last = deleted[-1]
        assert size + last.size > KEEPING.most_bytes or room - last.size < KEEPING.leave_bytes
