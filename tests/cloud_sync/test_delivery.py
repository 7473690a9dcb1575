"""The window over the outbox, against a model of a network and a ledger that lose whatever they like."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cloud_sync.delivery import (
    BACK_OFF_MAX_S,
    RECEIPT_WAIT_S,
    WINDOW,
    Delivery,
    failed,
    may_send,
    overdue,
    receipted,
    sent,
)


def window(*rows: int) -> Delivery:
    delivery = Delivery()
    for row in rows:
        delivery = sent(delivery, row, 0.0)
    return delivery


# --- the window ---------------------------------------------------------------------------------


def test_a_fresh_station_may_send_at_once() -> None:
    assert may_send(Delivery(), 0.0)


def test_no_more_batches_are_on_their_way_than_the_window_holds() -> None:
    delivery = window(*range(10, 10 * WINDOW, 10))
    assert may_send(delivery, 0.0)
    assert not may_send(sent(delivery, 10 * WINDOW, 0.0), 0.0)


def test_a_receipt_frees_the_batches_that_it_covers_whole() -> None:
    assert receipted(window(10, 20, 30), 21, 5.0).on_the_way == (30,)
    assert receipted(window(10, 20, 30), 20, 5.0).on_the_way == (20, 30)
    assert receipted(window(10, 20, 30), None, 5.0).on_the_way == ()


def test_a_receipt_for_part_of_a_batch_frees_nothing() -> None:
    delivery = window(10, 20)
    assert receipted(delivery, 5, 5.0) == delivery


def test_a_receipt_gives_the_next_batch_the_whole_wait() -> None:
    delivery = receipted(window(10, 20), 11, RECEIPT_WAIT_S - 1)
    assert not overdue(delivery, 2 * RECEIPT_WAIT_S - 1.1)
    assert overdue(delivery, 2 * RECEIPT_WAIT_S - 1)


def test_the_oldest_batch_decides_when_patience_ends() -> None:
    delivery = sent(window(10), 20, RECEIPT_WAIT_S - 1)
    assert overdue(delivery, RECEIPT_WAIT_S)


def test_nothing_on_its_way_is_never_overdue() -> None:
    assert not overdue(Delivery(), 1e9)


def test_a_ledger_that_went_back_is_sent_everything_from_the_oldest() -> None:
    delivery = receipted(window(10, 20), None, 1.0)
    assert delivery.sent_through == 20
    assert receipted(delivery, 5, 2.0) == Delivery()


# --- backing off --------------------------------------------------------------------------------


def pauses(count: int, jitter: float) -> list[float]:
    delivery, found = Delivery(), []
    for _ in range(count):
        delivery = failed(delivery, 1000.0, jitter)
        found.append(delivery.quiet_until - 1000.0)
    return found


def test_pauses_double_from_a_second_up_to_their_limit() -> None:
    assert pauses(10, 0.0) == [1, 2, 4, 8, 16, 32, 64, 128, 256, BACK_OFF_MAX_S]
    assert pauses(5_000, 0.0)[-1] == BACK_OFF_MAX_S


@given(jitter=st.floats(0, 1))
def test_jitter_takes_up_to_half_of_a_pause_away(jitter: float) -> None:
    for short, whole in zip(pauses(12, jitter), pauses(12, 0.0), strict=True):
        assert whole / 2 <= short <= whole
    if jitter > 0.01:
        assert pauses(1, jitter) < pauses(1, 0.0)


def test_a_failure_begins_again_with_the_oldest_row_after_the_pause() -> None:
    delivery = failed(window(10, 20), 50.0, 0.0)
    assert (delivery.sent_through, delivery.on_the_way) == (0, ())
    assert not may_send(delivery, 50.9)
    assert may_send(delivery, 51.0)


def test_a_receipt_after_failures_ends_the_backing_off() -> None:
    delivery = failed(failed(Delivery(), 0.0, 0.0), 0.0, 0.0)
    delivery = receipted(sent(delivery, 10, 60.0), None, 61.0)
    assert (delivery.failures, may_send(delivery, 61.0)) == (0, True)


# --- whatever is lost ---------------------------------------------------------------------------


class AnyNetwork(RuleBasedStateMachine):
    """A station, and a ledger that gets some of what is sent and answers to some of what it got."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.delivery = Delivery()
        self.written = 0
        self.receipted: set[int] = set()
        self.held: set[int] = set()
        self.network: list[tuple[int, ...]] = []

    def waiting(self) -> list[int]:
        return [row for row in range(1, self.written + 1) if row not in self.receipted]

    @rule(count=st.integers(1, 7))
    def write(self, count: int) -> None:
        self.written += count

    @rule(size=st.integers(1, 5))
    def send(self, size: int) -> None:
        if not may_send(self.delivery, self.now):
            return
        rows = [row for row in self.waiting() if row > self.delivery.sent_through][:size]
        if rows:
            self.delivery = sent(self.delivery, rows[-1], self.now)
            self.network.append(tuple(rows))

    @rule(data=st.data())
    def arrive(self, data: st.DataObject) -> None:
        if self.network:
            number = data.draw(st.integers(0, len(self.network) - 1))
            self.held |= set(self.network.pop(number))

    @rule()
    def lose(self) -> None:
        self.network.clear()

    @rule()
    def receipt(self) -> None:
        """The ledger answers with the contiguous part of what it holds."""
        through = 0
        while through + 1 in self.held:
            through += 1
        self.receipted = set(range(1, through + 1))
        self.delivery = receipted(self.delivery, next(iter(self.waiting()), None), self.now)

    @rule(back=st.integers(1, 10))
    def restore(self, back: int) -> None:
        """The ledger comes back from a backup and says so."""
        self.held = {row for row in self.held if row <= max(self.held, default=0) - back}
        self.receipt()

    @rule(seconds=st.sampled_from([0.5, 3.0, 11.0, 400.0]), jitter=st.floats(0, 1))
    def wait(self, seconds: float, jitter: float) -> None:
        self.now += seconds
        if overdue(self.delivery, self.now):
            self.delivery = failed(self.delivery, self.now, jitter)

    @rule()
    def connect_anew(self) -> None:
        self.delivery = Delivery()

    @invariant()
    def the_window_holds(self) -> None:
        assert len(self.delivery.on_the_way) <= WINDOW
        assert list(self.delivery.on_the_way) == sorted(self.delivery.on_the_way)
        assert self.delivery.quiet_until <= self.now + BACK_OFF_MAX_S

    @invariant()
    def no_row_waits_unsent_behind_an_empty_window(self) -> None:
        """Otherwise nothing would ever be overdue, and the row would wait for ever."""
        passed_by = [row for row in self.waiting() if row <= self.delivery.sent_through]
        assert not passed_by or self.delivery.on_the_way

    def teardown(self) -> None:
        """On a good network everything is receipted before long."""
        for _ in range(4 * self.written + 20):
            if not self.waiting():
                return
            self.send(5)
            while self.network:
                self.held |= set(self.network.pop())
            self.receipt()
            self.wait(BACK_OFF_MAX_S, 0.0)
        pytest.fail(f"rows {self.waiting()} are never sent again: {self.delivery}")


TestAnyNetwork = AnyNetwork.TestCase
TestAnyNetwork.settings = settings(max_examples=settings().max_examples // 2, stateful_step_count=40)
