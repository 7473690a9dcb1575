"""Stores events and the progress of epochs. Callers hold the stations' locks within one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F, Max, Subquery

from cloud_sync.ledger.db import sql
from cloud_sync.ledger.intake.parse import Identity, Incoming, Reason
from cloud_sync.ledger.stations.models import Conflict, Epoch, EventKind, EventState, Station, Stray
from cloud_sync.ledger.stations.spans import NOTHING_WRITTEN, Span, WrittenSpan, joined
from cloud_sync.wire.envelope import Lost

MAX_STRAYS = 1000
"""Rows kept of one station; more would show nothing new. The alarm counts all of them."""
MAX_CONFLICTS = 1000
"""Rows kept of one station, as above."""
LOOK_AHEAD = 100
MAX_OTHERS = 64
"""Epochs of a station that one is compared with; more would show nothing new."""

# Reading an enum member's `value` for each row costs as much as building the row.
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
    {
        "station_id": "bigint",
        "epoch": "text",
        "through": "bigint",
        "updated": "timestamptz",
        "boot": "text",
        "first_at": "timestamptz",
        "last_at": "timestamptz",
        "cloned": "boolean",
    },
    conflict="ON CONFLICT (station_id, epoch) DO UPDATE SET through = excluded.through, "
    "updated = excluded.updated, boot = excluded.boot, first_at = excluded.first_at, "
    "last_at = excluded.last_at",
)
_IDENTITY = {"station": "bigint", "epoch": "text", "sequence": "bigint"}
EpochOf = tuple[int, str]
"""Station (primary key) and epoch."""
Came = Mapping[EpochOf, set[int]]
"""The sequences that came, by epoch."""
Judged = tuple[Incoming, EventKind, Reason | None]
"""A new event, its kind, and why it is set aside or None."""


@dataclass(frozen=True, slots=True)
class Stand:
    """Progress of one epoch: all events up to `through` are stored, and none after `last`."""

    through: int
    last: int
    is_new: bool = True
    cloned: bool = False
    boot: str = ""
    span: Span | None = None
    """The trusted times between which its events lie."""


def lock(stations: Collection[int]) -> None:
    """Lock stations' rows, so that no other worker applies their events until the transaction ends.

    Rows are locked in the order of their keys, and before the community's chain, to prevent deadlock.
    """
    if sql.on_postgres():  # in SQLite a write transaction locks the whole database
        statement = "SELECT 1 FROM stations_station WHERE id = ANY(%s) ORDER BY id FOR UPDATE"
        sql.execute(statement, [list(stations)])


def stands(epochs: Collection[EpochOf]) -> dict[EpochOf, Stand]:
    """Return the progress of each of these epochs in the database."""
    statement = (
        "SELECT w.station, w.epoch, p.through, p.cloned, p.boot, p.first_at, p.last_at, COALESCE((SELECT "
        "MAX(e.sequence) FROM stations_event e WHERE e.station_id = w.station AND e.epoch = w.epoch), 0) "
        "FROM w LEFT JOIN stations_epoch p ON p.station_id = w.station AND p.epoch = w.epoch"
    )
    rows = sql.matching(statement, {"station": "bigint", "epoch": "text"}, list(epochs))
    return {
        (station, epoch): Stand(through or 0, last, through is None, bool(cloned), boot or "", _span(*span))
        for station, epoch, through, cloned, boot, *span, last in rows
    }


def clones(community: int, epochs: Collection[EpochOf]) -> list[EpochOf]:
    """Return the epochs whose name several stations of a community share, among these and stored ones."""
    found: dict[str, set[int]] = {}
    for station, epoch in epochs:
        found.setdefault(epoch, set()).add(station)
    statement = (
        "SELECT e.epoch, e.station_id FROM stations_epoch e JOIN stations_station s ON s.id = e.station_id "
        "WHERE s.community_id = %s AND e.epoch AMONG"
    )
    rows = sql.select(statement, list(found), [community])
    for epoch, station in rows:
        found[epoch].add(station)
    return [(station, epoch) for epoch, some in found.items() if len(some) > 1 for station in sorted(some)]


def mark_cloned(epochs: Collection[EpochOf]) -> None:
    """Mark epochs as cloned: points of their visits are held from now on."""
    for station, epoch in epochs:
        Epoch.objects.filter(station=station, epoch=epoch).update(cloned=True)


@dataclass(frozen=True, slots=True)
class Other:
    """Another epoch of the same station whose span overlaps that of epoch `name`."""

    name: EpochOf
    epoch: str
    boot: str
    span: Span


def alive_with(spans: Mapping[EpochOf, Span]) -> list[Other]:
    """Return other epochs of the same stations that ended after a span's start and began before its end.

    Only the MAX_OTHERS that ended first are compared with each span.
    """
    near = (
        "SELECT e.* FROM stations_epoch e WHERE e.station_id = w.station AND e.last_at > w.since "
        "ORDER BY e.last_at LIMIT %s"
    )
    among = f"LATERAL ({near}) o WHERE"
    if not sql.on_postgres():  # SQLite has no LATERAL; PostgreSQL would run IN for each row of the table
        among = f"stations_epoch o WHERE o.id IN ({near.replace('e.*', 'e.id')}) AND"
    statement = (
        "SELECT w.station, w.epoch, o.epoch, o.boot, o.first_at, o.last_at "  # noqa: S608 (constants)
        f"FROM w CROSS JOIN {among} o.first_at < w.until AND o.epoch <> w.epoch"
    )
    keep = sql.keeper()
    columns = {"station": "bigint", "epoch": "text", "since": "timestamptz", "until": "timestamptz"}
    rows = [(*name, keep(span.first), keep(span.last)) for name, span in spans.items()]
    return [
        Other((station, epoch), other, boot, Span(sql.moment_of(first), sql.moment_of(last)))
        for station, epoch, other, boot, first, last in sql.matching(statement, columns, rows, [MAX_OTHERS])
    ]


def begin_day(station: Station, day: date) -> None:
    """Store a station's newest times from before this day of receipt; no change if repeated that day."""
    newest = Epoch.objects.filter(station=station).order_by().values("station").annotate(at=Max("last_at"))
    Station.objects.filter(pk=station.pk).exclude(received_on=day).update(
        received_on=day, newest_before_at=F("newest_at"), newest_at=Subquery(newest.values("at"))
    )


def _span(first: datetime | str | None, last: datetime | str | None) -> Span | None:
    if first is None or last is None:
        return None
    return Span(sql.moment_of(first), sql.moment_of(last))


def stored_digests(came: Came, before: Mapping[EpochOf, Stand]) -> dict[Identity, str]:
    """Return the digests of events that are already stored; `before` is what `stands` returned."""
    statement = (
        "SELECT e.station_id, e.epoch, e.sequence, e.digest FROM w CROSS JOIN stations_event e "
        "WHERE e.station_id = w.station AND e.epoch = w.epoch AND e.sequence = w.sequence"
    )
    wanted = [
        (*name, sequence)
        for name, sequences in came.items()
        for sequence in sequences
        if sequence <= before[name].last
    ]
    rows = sql.matching(statement, _IDENTITY, wanted)
    return {(station, epoch, sequence): digest for station, epoch, sequence, digest in rows}


def store_events(judged: Sequence[Judged], now: datetime) -> list[int]:
    """Store new events, each applied or set aside; return their primary keys in the same order."""
    at = sql.keeper()(now)
    rows = [_row(item, kind, reason, at) for item, kind, reason in judged]
    if not sql.on_postgres():
        ((last,),) = sql.execute("SELECT COALESCE(MAX(id), 0) FROM stations_event", [])
        keys = list(range(last + 1, last + 1 + len(rows)))
        sql.insert(EVENTS.with_key, [(key, *row) for key, row in zip(keys, rows, strict=True)])
        return keys
    stored = sql.insert_returning(EVENTS, "id, station_id, epoch, sequence", rows)
    by_name = {(station, epoch, sequence): key for key, station, epoch, sequence in stored}
    return [by_name[item.identity] for item, _, _ in judged]


def _row(item: Incoming, kind: EventKind, reason: Reason | None, at: datetime | str) -> sql.Row:
    state = REFUSED if reason else APPLIED
    return (
        *item.identity,
        KINDS[kind],
        item.body,
        item.digest,
        at,
        state,
        reason.value if reason else "",
    )


def store_conflicts(conflicts: Sequence[Incoming], now: datetime) -> None:
    """Store each contradiction once, at most MAX_CONFLICTS a station."""
    rows = []
    room = {
        key: MAX_CONFLICTS - Conflict.objects.filter(station=key).count()
        for key in {item.identity[0] for item in conflicts}
    }
    for item in conflicts:
        if room[item.identity[0]] <= 0:
            continue
        room[item.identity[0]] -= 1
        station, epoch, sequence = item.identity
        rows.append(
            Conflict(
                station_id=station,
                epoch=epoch,
                sequence=sequence,
                body=item.body,
                digest=item.digest,
                received_at=now,
            )
        )
    Conflict.objects.bulk_create(rows, ignore_conflicts=True)


def store_strays(station: Station, bodies: Sequence[bytes], now: datetime) -> None:
    """Store bodies that name no event, each once, at most MAX_STRAYS a station."""
    room = MAX_STRAYS - Stray.objects.filter(station=station).count()
    Stray.objects.bulk_create(
        [
            Stray(station=station, body=body, digest=hashlib.sha256(body).hexdigest(), received_at=now)
            for body in bodies[: max(0, room)]
        ],
        ignore_conflicts=True,
    )


def name_again(station: int, epoch: str, now: datetime) -> None:
    """Make receipts name an epoch again, however old, because a person decided about one of its events."""
    Epoch.objects.filter(station=station, epoch=epoch).update(decided_at=now)


def advance(
    came: Came,
    before: Mapping[EpochOf, Stand],
    now: datetime,
    lost: Sequence[tuple[int, Lost]] = (),
    written: Mapping[EpochOf, WrittenSpan] | None = None,
) -> list[tuple[int, Lost]]:
    """Move each epoch's `through` to the last event before a gap; sequences in `lost` are no gap.

    `before` is what `stands` returned before these events were stored; `written` says by which boot and when
    they were written. `lost` has each station's primary key. Return the losses passed over now.
    """
    through = _as_far_as_known(came, before)
    passed: list[tuple[int, Lost]] = []
    for station, gap in sorted(lost, key=lambda stated: stated[1].first):
        name = (station, gap.epoch)
        if gap.first <= through.get(name, 0) + 1 <= gap.last:
            passed.append((station, gap))
            through[name] = _contiguous(station, gap.epoch, gap.last, came[name])
    # Update epochs without new events too: otherwise a receipt may have no room for an epoch that a station
    # sends again, and the station would never stop sending it.
    keep = sql.keeper()
    at = keep(now)
    rows: list[sql.Row] = []
    for name, reached in through.items():
        stand, wrote = before[name], (written or {}).get(name, NOTHING_WRITTEN)
        span = joined(stand.span, wrote.span)
        first, last = (None, None) if span is None else (keep(span.first), keep(span.last))
        rows.append((*name, reached, at, wrote.boot or stand.boot, first, last, stand.cloned))
    sql.insert(EPOCHS, rows)
    return passed


def _as_far_as_known(came: Came, before: Mapping[EpochOf, Stand]) -> dict[EpochOf, int]:
    """Return the last sequence of each epoch before a gap, counting the events that came."""
    through = {name: _run(before[name].through, sequences) for name, sequences in came.items()}
    follows = (
        "SELECT w.station, w.epoch FROM w CROSS JOIN stations_event e "
        "WHERE e.station_id = w.station AND e.epoch = w.epoch AND e.sequence = w.following"
    )
    columns = {"station": "bigint", "epoch": "text", "following": "bigint"}
    following = [(*name, reached + 1) for name, reached in through.items() if before[name].last > reached]
    for station, epoch in sql.matching(follows, columns, following):
        reached = through[station, epoch]
        through[station, epoch] = _contiguous(station, epoch, reached, came[station, epoch])
    return through


def _run(through: int, here: set[int]) -> int:
    while through + 1 in here:
        through += 1
    return through


def _contiguous(station: int, epoch: str, through: int, here: set[int]) -> int:
    """Return the last sequence before the first gap; all of `here` are stored."""
    through = _run(through, here)
    statement = (
        "SELECT sequence FROM stations_event WHERE station_id = %s AND epoch = %s AND sequence > %s "
        "ORDER BY sequence LIMIT %s"
    )
    # Read in small steps, so that a week of events stored after a gap costs nothing.
    while rows := sql.execute(statement, [station, epoch, through, LOOK_AHEAD]):
        if rows[0][0] != through + 1:
            break
        for (sequence,) in rows:
            if sequence != through + 1:
                return through
            through = sequence
    return through


def by_epoch(incoming: Iterable[Incoming]) -> Came:
    """Group the sequences by epoch, in the order in which each epoch first came."""
    found: dict[EpochOf, set[int]] = {}
    for station, epoch, sequence in [item.identity for item in incoming]:
        found.setdefault((station, epoch), set()).add(sequence)
    return found
