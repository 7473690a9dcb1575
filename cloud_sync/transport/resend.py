"""Decide what to send next and when to back off. Pure: the outbox, the broker and the clock are elsewhere.

The station keeps a small window over the outbox. A batch leaves the window when its receipt has come; a
broker's acknowledgement frees nothing. If no receipt comes for some time (`patience_s`), everything that
waits is sent again, after longer and longer pauses; the ledger skips what it has. Patience adapts, so that
a ledger that answers slowly but steadily is neither flooded nor given up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

WINDOW = 16
"""Batches in flight at once: 256 KiB, enough for the ledger to apply many in one transaction."""
PATIENCE_S = 10.0
"""Shortest time to wait for the oldest batch's receipt."""
PATIENCE_MAX_S = 600.0
BACK_OFF_MAX_S = 300.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is in flight. Rows are the outbox's ids; times are monotonic seconds."""

    sent_through: int = 0
    """The last row sent; 0 starts again with the first row that waits."""
    on_the_way: tuple[int, ...] = ()
    """The last row of each batch in flight, oldest first."""
    patience_from: float = 0.0
    """When the oldest batch in flight was sent or the last receipt came, whichever is later."""
    unanswered_from: float | None = None
    """When the first batch was sent after the last receipt that freed rows."""
    patience_s: float = PATIENCE_S
    failures: int = 0
    quiet_until: float = 0.0


def may_send(delivery: Delivery, now: float) -> bool:
    """Return whether the window has room and no back-off is running."""
    return len(delivery.on_the_way) < WINDOW and now >= delivery.quiet_until


def sent(delivery: Delivery, last_row: int, now: float) -> Delivery:
    """Note that a batch ending with `last_row` was handed to the broker."""
    return replace(
        delivery,
        sent_through=last_row,
        on_the_way=(*delivery.on_the_way, last_row),
        patience_from=delivery.patience_from if delivery.on_the_way else now,
        unanswered_from=now if delivery.unanswered_from is None else delivery.unanswered_from,
    )


def receipted(delivery: Delivery, first_waiting: int | None, now: float) -> Delivery:
    """Note a receipt that freed rows; `first_waiting` is the first row that still has no receipt.

    It ends any back-off, whichever sending it answers, and adapts the patience for the next.
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
    """Send everything that waits again from the first row: it may be lost, or be needed again."""
    return Delivery(patience_s=delivery.patience_s, unanswered_from=delivery.unanswered_from)


def overdue(delivery: Delivery, now: float) -> bool:
    """Return whether the oldest batch has waited too long for its receipt."""
    return bool(delivery.on_the_way) and now - delivery.patience_from >= delivery.patience_s


def failed(delivery: Delivery, now: float, jitter: float) -> Delivery:
    """Start again with the first row after a pause, because no receipt came in time.

    The pause doubles from one second up to BACK_OFF_MAX_S, and so does the patience. `jitter` (0 to 1,
    random) shortens the pause by up to half, so that a thousand stations do not return in the same second.
    """
    pause = min(BACK_OFF_MAX_S, 2.0 ** min(delivery.failures, 16))
    return replace(
        begun_again(delivery),
        patience_s=max(delivery.patience_s, min(BACK_OFF_MAX_S, 2 * delivery.patience_s)),
        failures=delivery.failures + 1,
        quiet_until=now + pause * (1 - jitter / 2),
    )
