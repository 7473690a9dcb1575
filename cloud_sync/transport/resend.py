"""What to send next, and when to back off. Pure: the outbox, the broker and the clock are elsewhere.

The station keeps its own small window over the outbox. A batch leaves the window when its receipt
has come: a broker's acknowledgement frees nothing. Without any receipt for a while everything that
waits is sent again, later each time; the ledger knows what it already has. How long is a while is
learned: a ledger that answers slowly but steadily is waited for, not flooded and not given up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

WINDOW = 16
"""Batches on their way at once: 256 KiB, enough for the ledger to apply many in one transaction."""
PATIENCE_S = 10.0
"""So long may the oldest batch go without its receipt, at least."""
PATIENCE_MAX_S = 600.0
BACK_OFF_MAX_S = 300.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is on its way. Rows are the outbox's ids; times are monotonic seconds."""

    sent_through: int = 0
    """The last row sent; 0 begins again with the first that waits."""
    on_the_way: tuple[int, ...] = ()
    """The last row of each batch sent, oldest first."""
    patience_from: float = 0.0
    """When the oldest batch on its way was sent, or the last receipt came, whichever is later."""
    unanswered_from: float | None = None
    """When the first batch went out since the last receipt that freed anything."""
    patience_s: float = PATIENCE_S
    failures: int = 0
    quiet_until: float = 0.0


def may_send(delivery: Delivery, now: float) -> bool:
    """Whether the window has room and no back-off is running."""
    return len(delivery.on_the_way) < WINDOW and now >= delivery.quiet_until


def sent(delivery: Delivery, last_row: int, now: float) -> Delivery:
    """A batch that ends with `last_row` was handed to the broker."""
    return replace(
        delivery,
        sent_through=last_row,
        on_the_way=(*delivery.on_the_way, last_row),
        patience_from=delivery.patience_from if delivery.on_the_way else now,
        unanswered_from=now if delivery.unanswered_from is None else delivery.unanswered_from,
    )


def receipted(delivery: Delivery, first_waiting: int | None, now: float) -> Delivery:
    """A receipt came that freed rows; `first_waiting` is the first row that still has none.

    It ends any backing off, whichever sending it answers, and teaches how long the next may take.
    """
    took_s = now - delivery.unanswered_from if delivery.unanswered_from is not None else 0.0
    left = tuple(row for row in delivery.on_the_way if first_waiting is not None and row >= first_waiting)
    return replace(
        delivery,
        on_the_way=left,
        patience_from=now,
        unanswered_from=now if left else None,
        patience_s=min(PATIENCE_MAX_S, max(PATIENCE_S, 3 * took_s)),
        failures=0,
        quiet_until=0.0,
    )


def begun_again(delivery: Delivery) -> Delivery:
    """Send everything that waits from the first row on, at once: it may be lost, or be needed again."""
    return Delivery(patience_s=delivery.patience_s, unanswered_from=delivery.unanswered_from)


def overdue(delivery: Delivery, now: float) -> bool:
    """Whether the oldest batch has waited too long for its receipt."""
    return bool(delivery.on_the_way) and now - delivery.patience_from >= delivery.patience_s


def failed(delivery: Delivery, now: float, jitter: float) -> Delivery:
    """No receipt in time: begin again with the first row after a pause.

    The pause doubles from one second to BACK_OFF_MAX_S, and patience doubles to as much; `jitter`
    (0 to 1, random) takes up to half of the pause away, so that a thousand stations do not come back
    in the same second.
    """
    pause = min(BACK_OFF_MAX_S, 2.0 ** min(delivery.failures, 16))
    return replace(
        begun_again(delivery),
        patience_s=max(delivery.patience_s, min(BACK_OFF_MAX_S, 2 * delivery.patience_s)),
        failures=delivery.failures + 1,
        quiet_until=now + pause * (1 - jitter / 2),
    )
