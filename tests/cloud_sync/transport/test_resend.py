"""The window over the outbox, against a model of a network and a ledger that lose whatever they like."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cloud_sync.transport.resend import (
    BACK_OFF_MAX_S,
    PATIENCE_MAX_S,
    PATIENCE_S,
    WINDOW,
    Delivery,
    begun_again,
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


def test_no_more_batches_are_in_flight_than_the_window_holds() -> None:
    delivery = window(*range(10, 10 * WINDOW, 10))
    assert may_send(delivery, 0.0)
    assert not may_send(sent(delivery, 10 * WINDOW, 0.0), 0.0)


def test_a_receipt_frees_the_batches_that_it_covers_completely() -> None:
    assert receipted(window(10, 20, 30), 21, 5.0).on_the_way == (30,)
    assert receipted(window(10, 20, 30), 20, 5.0).on_the_way == (20, 30)
    assert receipted(window(10, 20, 30), None, 5.0).on_the_way == ()


def test_a_receipt_for_part_of_a_batch_keeps_it_in_flight() -> None:
    assert receipted(window(10, 20), 5, 5.0).on_the_way == (10, 20)


def test_after_a_receipt_the_next_batch_has_the_full_patience() -> None:
    delivery = receipted(window(10, 20), 11, 2.0)
    assert not overdue(delivery, 2.0 + PATIENCE_S - 0.1)
    assert overdue(delivery, 2.0 + PATIENCE_S)


def test_the_oldest_batch_decides_when_patience_ends() -> None:
    delivery = sent(window(10), 20, PATIENCE_S - 1)
    assert overdue(delivery, PATIENCE_S)


def test_patience_follows_the_receipts_time_within_bounds() -> None:
    assert receipted(window(10), None, 0.1).patience_s == PATIENCE_S
    assert receipted(window(10), None, 8.0).patience_s == 24.0
    assert receipted(window(10), None, 1e6).patience_s == PATIENCE_MAX_S


def test_a_receipt_for_an_earlier_sending_counts_from_the_first_sending() -> None:
    delivery = sent(failed(window(10), 10.0, 0.0), 10, 12.0)
    assert receipted(delivery, None, 20.0).patience_s == 60.0


def test_a_silent_ledger_is_tried_less_and_less_often() -> None:
    delivery = Delivery()
    for _ in range(20):
        delivery = failed(delivery, 0.0, 0.0)
    assert delivery.patience_s == BACK_OFF_MAX_S


def test_without_batches_in_flight_nothing_is_overdue() -> None:
    assert not overdue(Delivery(), 1e9)


def test_a_restored_ledger_is_sent_everything_from_the_oldest() -> None:
    delivery = receipted(window(10, 20), None, 1.0)
    assert delivery.sent_through == 20
    assert begun_again(delivery) == Delivery()


def test_the_learned_patience_survives_a_new_connection() -> None:
    assert begun_again(receipted(window(10), None, 30.0)).patience_s == 90.0


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
def test_jitter_shortens_a_pause_by_up_to_half(jitter: float) -> None:
    for short, whole in zip(pauses(12, jitter), pauses(12, 0.0), strict=True):
        assert whole / 2 <= short <= whole
    if jitter > 0.01:
        assert pauses(1, jitter) < pauses(1, 0.0)


def test_after_a_failure_and_its_pause_sending_starts_with_the_oldest_row() -> None:
    delivery = failed(window(10, 20), 50.0, 0.0)
    assert (delivery.sent_through, delivery.on_the_way) == (0, ())
    assert not may_send(delivery, 50.9)
    assert may_send(delivery, 51.0)


def test_a_receipt_after_failures_ends_the_back_off() -> None:
    delivery = failed(failed(Delivery(), 0.0, 0.0), 0.0, 0.0)
    delivery = receipted(sent(delivery, 10, 60.0), None, 61.0)
    assert (delivery.failures, may_send(delivery, 61.0)) == (0, True)


def test_a_ledger_that_answers_slowly_but_steadily_is_neither_flooded_nor_given_up() -> None:
    """Each batch takes the ledger 40 s, one after the other, whatever the station does meanwhile."""
    delivery, now, queue, total, done, sendings = Delivery(), 0.0, list[int](), 60, 0, 0
    busy_until, longest_pause = 0.0, 0.0
    while done < total:
        assert now < 2 * 40.0 * total, "it is slower than the ledger"
        while may_send(delivery, now) and max(done, delivery.sent_through) < total:
            row = max(done, delivery.sent_through) + 1
            delivery, sendings = sent(delivery, row, now), sendings + 1
            queue.append(row)
        if overdue(delivery, now):
            delivery = failed(delivery, now, 0.0)
        longest_pause = max(longest_pause, delivery.quiet_until - now)
        now += 1.0
        if queue and now >= busy_until:
            row, busy_until = queue.pop(0), now + 40.0
            if row == done + 1:
                done = row
                delivery = receipted(delivery, done + 1 if done < total else None, now)
            else:
                busy_until = now  # it has that one already
    assert longest_pause <= 4
    assert sendings < 2 * total


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
        before, self.receipted = self.receipted, set(range(1, through + 1))
        if self.receipted > before:
            self.delivery = receipted(self.delivery, next(iter(self.waiting()), None), self.now)
        elif self.receipted < before:
            self.delivery = begun_again(self.delivery)

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
        self.delivery = begun_again(self.delivery)

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
            self.wait(PATIENCE_MAX_S, 0.0)
        pytest.fail(f"rows {self.waiting()} are never sent again: {self.delivery}")


TestAnyNetwork = AnyNetwork.TestCase
TestAnyNetwork.settings = settings(max_examples=settings().max_examples // 2, stateful_step_count=40)
