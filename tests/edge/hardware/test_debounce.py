from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from edge.hardware.debounce import Debounced, DebounceTimes, debounce, debounced_at

SLOW = DebounceTimes(on_s=0.02, off_s=0.2)


def read(contact: Debounced, *readings: tuple[float, bool]) -> Debounced:
    for now, raw in readings:
        contact = debounce(contact, raw, now, SLOW)
    return contact


def test_a_level_counts_once_it_has_stood() -> None:
    contact = read(Debounced(), (1.0, True))
    assert contact.level is None
    assert debounced_at(contact, SLOW) == 1.02
    assert read(contact, (1.02, True)).level is True


def test_a_bounce_begins_the_wait_anew() -> None:
    contact = read(Debounced(), (1.0, True), (1.01, False), (1.015, True), (1.03, True))
    assert contact.level is None
    assert read(contact, (1.036, True)).level is True


def test_the_two_levels_have_their_own_waits() -> None:
    contact = read(Debounced(), (1.0, True), (1.02, True), (2.0, False), (2.1, False))
    assert contact.level is True
    assert read(contact, (2.2, False)).level is False


def test_a_level_without_a_wait_counts_at_once() -> None:
    assert debounce(Debounced(), raw=True, now=1.0, settling=DebounceTimes(0.0, 0.2)).level is True


def test_a_settled_contact_waits_for_nothing() -> None:
    assert debounced_at(Debounced(), SLOW) == inf
    assert debounced_at(read(Debounced(), (1.0, True), (2.0, True)), SLOW) == inf


@given(st.lists(st.tuples(st.floats(0, 0.3), st.booleans())))
def test_no_level_counts_that_did_not_stand_long_enough(steps: list[tuple[float, bool]]) -> None:
    contact, now, since = Debounced(), 0.0, 0.0
    last: bool | None = None
    for pause_s, raw in steps:
        now += pause_s
        if raw is not last:
            last, since = raw, now
        before = contact.level
        contact = debounce(contact, raw, now, SLOW)
        if contact.level is not before:
            assert contact.level is raw
            assert now >= since + SLOW.of(raw)
