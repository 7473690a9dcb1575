"""Events and how far they reach, in the database; all of it under the station's lock, in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from cloud_sync.envelope import Lost
from cloud_sync.ledger import sql
from cloud_sync.ledger.stations.intake import Identity, Incoming, Reason
from cloud_sync.ledger.stations.models import Conflict, EventKind, EventState, Station, Stray

MAX_STRAYS = 1000
"""Of one station; a station that sends more of them says nothing new."""
LOOK_AHEAD = 100

# Looking up a member's value costs as much as a whole row's tuple.
APPLIED, REFUSED = EventState.APPLIED.value, EventState.REFUSED.value
KINDS = {kind: kind.value for kind in EventKind}

EVENTS = sql.Table(
    "stations_event",
    {
        "station_id": "bigint",
        "epoch": "text",
        "sequence": "bigint",
        "kind": "text",
        "body": "bytea",
        "digest": "text",
        "received_at": "timestamptz",
        "state": "text",
        "reason": "text",
    },
)
EPOCHS = sql.Table(
    "stations_epoch",
    {"station_id": "bigint", "epoch": "text", "through": "bigint", "updated": "timestamptz"},
    conflict="ON CONFLICT (station_id, epoch) DO UPDATE SET through = excluded.through, "
    "updated = excluded.updated",
)
Judged = tuple[Incoming, EventKind, Reason | None]
"""A new event, what it is, and why it is set aside, if it is."""


def lock(station: Station) -> None:
    """Let no other worker apply this station's events until the transaction ends."""
    if sql.on_postgres():  # a transaction of SQLite's has the whole database to itself
        sql.execute("SELECT 1 FROM stations_station WHERE id = %s FOR UPDATE", [station.pk])


def stored_digests(station: Station, incoming: Sequence[Incoming]) -> dict[Identity, str]:
    """Digests of those events that are already stored."""
    statement = (
        "SELECT sequence, digest FROM stations_event WHERE station_id = %s AND epoch = %s AND sequence AMONG"
    )
    return {
        (epoch, sequence): digest
        for epoch, sequences in _by_epoch(item.identity for item in incoming)
        for sequence, digest in sql.select(statement, sequences, [station.pk, epoch])
    }


def store_events(station: Station, judged: Sequence[Judged], now: datetime) -> list[int]:
    """Store new events, each applied or set aside; their primary keys in the same order."""
    at = sql.keeper()(now)
    whose = station.pk
    rows = [_row(whose, item, kind, reason, at) for item, kind, reason in judged]
    if not sql.on_postgres():
        ((last,),) = sql.execute("SELECT COALESCE(MAX(id), 0) FROM stations_event", [])
        keys = list(range(last + 1, last + 1 + len(rows)))
        sql.insert(EVENTS.with_key, [(key, *row) for key, row in zip(keys, rows, strict=True)])
        return keys
    stored = sql.insert_returning(EVENTS, "id, epoch, sequence", rows)
    by_name = {(epoch, sequence): key for key, epoch, sequence in stored}
    return [by_name[item.identity] for item, _, _ in judged]


def _row(station: int, item: Incoming, kind: EventKind, reason: Reason | None, at: datetime | str) -> sql.Row:
    state = REFUSED if reason else APPLIED
    return (
        station,
        *item.identity,
        KINDS[kind],
        item.body,
        item.digest,
        at,
        state,
        reason.value if reason else "",
    )


def store_conflicts(station: Station, conflicts: Sequence[Incoming], now: datetime) -> None:
    """Keep each contradiction once, however often it comes."""
    Conflict.objects.bulk_create(
        [
            Conflict(
                station=station,
                epoch=item.identity[0],
                sequence=item.identity[1],
                body=item.body,
                digest=item.digest,
                received_at=now,
            )
            for item in conflicts
        ],
        ignore_conflicts=True,
    )


def store_strays(station: Station, bodies: Sequence[bytes], now: datetime) -> None:
    """Keep what names no event, each once, MAX_STRAYS in all."""
    room = MAX_STRAYS - Stray.objects.filter(station=station).count()
    Stray.objects.bulk_create(
        [
            Stray(station=station, body=body, digest=hashlib.sha256(body).hexdigest(), received_at=now)
            for body in bodies[: max(0, room)]
        ],
        ignore_conflicts=True,
    )


def advance(
    station: Station, batch: Iterable[Identity], now: datetime, lost: Sequence[Lost] = ()
) -> list[Lost]:
    """Move each epoch's `through` over the events that are there without a gap, but for what is `lost`.

    Gives the losses that it passed over now.
    """
    find = "SELECT through FROM stations_epoch WHERE station_id = %s AND epoch = %s"
    passed: list[Lost] = []
    for name, sequences in _by_epoch(batch):
        rows = sql.execute(find, [station.pk, name])
        before = rows[0][0] if rows else 0
        here = set(sequences)
        through = _contiguous(station, name, before, here)
        for gap in sorted((gap for gap in lost if gap.epoch == name), key=lambda gap: gap.first):
            if gap.first <= through + 1 <= gap.last:
                passed.append(gap)
                through = _contiguous(station, name, gap.last, here)
        # Also where nothing is new: what a station sends again must be among the epochs that its receipt
        # has room for, or it would send it for ever.
        sql.insert(EPOCHS, [(station.pk, name, through, sql.keeper()(now))])
    return passed


def _contiguous(station: Station, epoch: str, through: int, here: set[int]) -> int:
    """The last sequence before the first gap; all of `here` are stored."""
    while through + 1 in here:
        through += 1
    statement = (
        "SELECT sequence FROM stations_event WHERE station_id = %s AND epoch = %s AND sequence > %s "
        "ORDER BY sequence LIMIT %s"
    )
    # Reads little past a gap, so that a week stored above one costs nothing.
    while rows := sql.execute(statement, [station.pk, epoch, through, LOOK_AHEAD]):
        if rows[0][0] != through + 1:
            break
        for (sequence,) in rows:
            if sequence != through + 1:
                return through
            through = sequence
    return through


def _by_epoch(batch: Iterable[Identity]) -> list[tuple[str, list[int]]]:
    """The sequences of each epoch."""
    found: dict[str, list[int]] = {}
    for epoch, sequence in batch:
        found.setdefault(epoch, []).append(sequence)
    return sorted(found.items())
