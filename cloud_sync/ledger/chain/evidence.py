"""Keep what stations signed: one row for each batch that brought something new."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from cloud_sync.ledger.db import sql
from cloud_sync.ledger.intake.parse import Delivered, Incoming
from cloud_sync.wire import envelope
from cloud_sync.wire.envelope import Lost

BATCHES = sql.Table(
    "points_signedbatch",
    {
        "station_id": "bigint",
        "key_id": "text",
        "signature": "bytea",
        "holds": "bytea",
        "lost": "bytea",
        "body": "bytea",
        "received_at": "timestamptz",
    },
)

Run = tuple[str, int, int]
"""An epoch with the first and the last of consecutive sequences."""


def keep(
    delivered: Sequence[Delivered],
    new: Sequence[Incoming],
    conflicts: Sequence[Incoming],
    passed: Sequence[tuple[int, Lost]],
    now: datetime,
) -> None:
    """Keep the signature of each message that brought a new event, or a loss that was accepted now."""
    fresh = {item.identity for item in new}
    losers = {station for station, _ in passed}
    contradicting = {item.digest for item in conflicts}
    at = sql.keeper()(now)
    rows = [
        _row(one, contradicting, at)
        for one in delivered
        if (one.batch.lost and one.station in losers) or any(item.identity in fresh for item in one.events)
    ]
    sql.insert(BATCHES, rows)


def _row(one: Delivered, contradicting: set[str], at: object) -> sql.Row:
    holds = [item for item in one.events if item.digest not in contradicting]
    return (
        one.station,
        one.signed.key,
        one.signed.signature,
        msgspec.json.encode(runs(holds)),
        msgspec.json.encode(one.batch.lost) if one.batch.lost else b"",
        b"" if len(holds) == len(one.batch.events) and _is_plain(one) else one.signed.body,
        at,
    )


def _is_plain(one: Delivered) -> bool:
    """Return whether the signed bytes can be rebuilt from the batch's parts."""
    batch = one.batch
    again = envelope.batch_body(
        batch.community, batch.station, [item.body for item in one.events], batch.lost
    )
    return again == one.signed.body


def runs(events: Sequence[Incoming]) -> list[Run]:
    """Return a batch's events as runs of sequences, in its order."""
    found: list[Run] = []
    for _, epoch, sequence in [item.identity for item in events]:
        if found and found[-1][0] == epoch and found[-1][2] == sequence - 1:
            found[-1] = (epoch, found[-1][1], sequence)
        else:
            found.append((epoch, sequence, sequence))
    return found


def read_runs(holds: bytes) -> list[Run]:
    """Read what `runs` wrote; msgspec.DecodeError for anything else."""
    return msgspec.json.decode(holds, type=list[Run])


def read_lost(lost: bytes) -> tuple[Lost, ...]:
    """Read the losses that a batch states; msgspec.DecodeError for anything else."""
    return msgspec.json.decode(lost, type=tuple[Lost, ...]) if lost else ()
