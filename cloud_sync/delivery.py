"""What to send next, and when to back off. Pure: the outbox, the broker and the clock are elsewhere.

The station keeps its own small window over the outbox. A batch leaves the window when its receipt
has come: a broker's acknowledgement frees nothing. Without any receipt for a while everything that
waits is sent again, later each time; the ledger knows what it already has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

WINDOW = 4
"""Batches on their way at once."""
RECEIPT_WAIT_S = 10.0
"""So long may the oldest batch go without its receipt."""
BACK_OFF_MAX_S = 300.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is on its way. Rows are the outbox's ids; times are monotonic seconds."""

    sent_through: int = 0
    """The last row sent; 0 begins again with the oldest that waits."""
    on_the_way: tuple[int, ...] = ()
    """The last row of each batch sent, oldest first."""
    oldest_sent_at: float = 0.0
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
        oldest_sent_at=delivery.oldest_sent_at if delivery.on_the_way else now,
    )


def receipted(delivery: Delivery, oldest_waiting: int | None, now: float) -> Delivery:
    """A receipt came; `oldest_waiting` is the oldest row that still has none."""
    left = tuple(row for row in delivery.on_the_way if oldest_waiting is not None and row >= oldest_waiting)
    if oldest_waiting is not None and oldest_waiting <= delivery.sent_through and not left:
        # A restored ledger lost what it had receipted: begin again with the oldest.
        return Delivery()
    if len(left) == len(delivery.on_the_way):
        return delivery
    return replace(delivery, on_the_way=left, oldest_sent_at=now, failures=0, quiet_until=0.0)


def overdue(delivery: Delivery, now: float) -> bool:
    """Whether the oldest batch has waited too long for its receipt."""
    return bool(delivery.on_the_way) and now - delivery.oldest_sent_at >= RECEIPT_WAIT_S


def failed(delivery: Delivery, now: float, jitter: float) -> Delivery:
    """No receipt, or no broker: begin again with the oldest row after a pause.

    The pause doubles from one second to BACK_OFF_MAX_S; `jitter` (0 to 1, random) takes up to half
    of it away, so that a thousand stations do not come back in the same second.
    """
    pause = min(BACK_OFF_MAX_S, 2.0 ** min(delivery.failures, 16))
    return Delivery(failures=delivery.failures + 1, quiet_until=now + pause * (1 - jitter / 2))
