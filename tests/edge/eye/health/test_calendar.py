"""A calendar that jumps while it is trusted is doubted for a while."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.eye.health.calendar import STEADY_S, STEP_S, Calendar
from edge.ports import WallTime

UNIX_S = 1_790_000_000.0


def after(*looks: tuple[float, float, bool]) -> Calendar:
    calendar = Calendar()
    for now, offset, trusted in looks:
        calendar = calendar.look(WallTime(UNIX_S + now + offset, trusted), now)
    return calendar


@given(st.floats(-1e8, 1e8))
def test_only_a_jump_beyond_its_limit_is_a_step_either_way(jump: float) -> None:
    calendar = after((0.0, 0.0, True), (1.0, jump, True))
    if abs(abs(jump) - STEP_S) > 0.01:
        assert calendar.is_doubted(1.0) is (abs(jump) > STEP_S)


def test_it_is_believed_again_after_a_while_of_steadiness_from_the_last_jump() -> None:
    calendar = after((0.0, 0.0, True), (1.0, 500.0, True), (100.0, 0.0, True))
    assert calendar.is_doubted(99.0 + STEADY_S)
    assert not calendar.is_doubted(100.0 + STEADY_S)


def test_a_slow_correction_is_no_step() -> None:
    assert not after(*((float(at), 5.0 * at, True) for at in range(100))).is_doubted(100.0)


def test_setting_a_calendar_that_was_not_trusted_is_no_step() -> None:
    assert not after((0.0, -1e7, False), (1.0, 0.0, True)).is_doubted(1.0)
    assert not after((0.0, 0.0, True), (1.0, 0.0, False), (2.0, 1e7, True)).is_doubted(2.0)
