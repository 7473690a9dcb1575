from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.link.arq import (
    MAX_IN_FLIGHT,
    MAX_REPEATS,
    Queued,
    Receiver,
    ReceiveResult,
    Sender,
    following,
)
from tests.waiting import turns


def sender(credit: int) -> Sender[int]:
    return Sender(credit, lambda asked, _: asked.message)


def offer(window: Sender[int], *messages: int) -> None:
    window.waiting.extend(Queued(message, 0.0) for message in messages)


@given(st.integers(0, 255), st.integers(0, 255))
def test_no_credit_allows_more_in_flight_than_numbers_can_tell_apart(first: int, later: int) -> None:
    window = sender(first)
    offer(window, *range(400))
    assert len(window.due(0.0)) == min(first, MAX_IN_FLIGHT)
    window.acknowledged(0, later, 0.0)
    window.due(0.0)
    assert window.in_flight == max(min(first, MAX_IN_FLIGHT), min(later, MAX_IN_FLIGHT))


@pytest.mark.parametrize("seed", range(5))
def test_each_number_is_accepted_once_and_in_order_despite_losses_and_repeats(seed: int) -> None:
    window, receiver = sender(8), Receiver()
    taken: list[int] = []
    chance, now = random.Random(seed), 0.0
    offer(window, *range(600))
    patience = turns("600 messages")
    while len(taken) < 600:
        next(patience)
        now += 1.0
        for number, message in window.due(now):
            if chance.random() < 0.8 and receiver.receive(number) is ReceiveResult.ACCEPTED:
                taken.append(message)
        if chance.random() < 0.8:
            window.acknowledged(receiver.taken, 8, now)
    assert taken == list(range(600))


def test_a_sender_that_is_always_answered_late_is_not_exhausted() -> None:
    window, now = sender(1), 0.0
    offer(window, *range(10))
    for number in range(1, 11):
        for _ in range(MAX_REPEATS // 2):
            window.due(now)
            now = window.next_due()
        assert not window.is_exhausted, "repeats of what was acknowledged still count"
        window.acknowledged(number, 1, now)
    assert window.in_flight == 0


def test_a_sender_that_is_never_answered_is_exhausted_after_its_last_wait() -> None:
    window, now = sender(1), 0.0
    offer(window, 1)
    for _ in range(MAX_REPEATS + 1):
        window.due(now)
        assert not window.is_exhausted
        now = window.next_due()
    window.due(now)
    assert window.is_exhausted


@given(st.integers(0, 255))
def test_an_acknowledgement_of_a_number_not_in_flight_changes_nothing(number: int) -> None:
    window = sender(2)
    offer(window, 1, 2, 3, 4)
    window.due(0.0)
    window.acknowledged(number, 8, 0.0)
    expected = {0: 2, 1: 1, 2: 0}.get(number, 2)
    assert window.in_flight == expected


def test_a_receiver_tells_duplicates_from_numbers_ahead() -> None:
    receiver = Receiver()
    for number in (1, 2, 3):
        assert receiver.receive(number) is ReceiveResult.ACCEPTED
    assert receiver.receive(3) is receiver.receive(1) is ReceiveResult.DUPLICATE
    assert receiver.receive(5) is receiver.receive(100) is ReceiveResult.OUT_OF_ORDER
    assert receiver.receive(4) is ReceiveResult.ACCEPTED


def test_numbers_follow_one_another_and_skip_0() -> None:
    number, seen = 0, []
    for _ in range(256):
        number = following(number)
        seen.append(number)
    assert seen == [*range(1, 256), 1]
