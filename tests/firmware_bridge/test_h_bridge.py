from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.h_bridge import REST_S, Bridge, Drive, command, rest_ends


def test_the_first_drive_begins_at_once() -> None:
    assert command(Bridge(), Drive.OPEN, 0.0).drive is Drive.OPEN


def test_a_drive_goes_on_in_its_own_direction_without_a_rest() -> None:
    bridge = command(command(Bridge(), Drive.OPEN, 0.0), Drive.OFF, 1.0)
    assert command(bridge, Drive.OPEN, 1.0).drive is Drive.OPEN


@given(st.lists(st.tuples(st.floats(0, 0.2), st.sampled_from(list(Drive)))))
def test_a_bridge_rests_before_it_changes_direction(wishes: list[tuple[float, Drive]]) -> None:
    bridge, now, drove, drove_until = Bridge(), 0.0, Drive.OFF, 0.0
    for pause_s, wanted in wishes:
        now += pause_s
        if bridge.drive is not Drive.OFF:
            drove, drove_until = bridge.drive, now
        bridge = command(bridge, wanted, now)
        assert bridge.drive in (wanted, Drive.OFF)
        if bridge.drive not in (Drive.OFF, drove) and drove is not Drive.OFF:
            assert now >= drove_until + REST_S


@given(st.sampled_from(list(Drive)), st.sampled_from(list(Drive)))
def test_a_bridge_does_what_is_wanted_once_its_rest_is_over(first: Drive, then: Drive) -> None:
    bridge = command(command(Bridge(), first, 0.0), then, 5.0)
    assert command(bridge, then, max(5.0, rest_ends(bridge))).drive is then
