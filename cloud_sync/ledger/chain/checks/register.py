"""Check a community's register, and settlements against it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cloud_sync.ledger.chain import chain, records, seals
from cloud_sync.ledger.chain.checks.spans import Spans
from cloud_sync.ledger.db import sql
from cloud_sync.ledger.stations.models import Community

AT_ONCE = 500


@dataclass
class Register:
    """The sum of a whole register."""

    seals: dict[str, str] = field(default_factory=dict)
    """The newest seal of each row, by "table/key"."""
    bound: set[tuple[int, int]] = field(default_factory=set)
    """Each card with every household that it was ever given to, both primary keys."""
    parted: set[int] = field(default_factory=set)
    """Cards that were ever taken from a household."""
    waits: dict[int, str] = field(default_factory=dict)
    """The newest tag of each visit that ever waited."""
    minted: dict[tuple[int, str], int] = field(default_factory=dict)
    pseudonyms: set[str] = field(default_factory=set)
    """Pseudonyms of erased households."""
    batches: dict[int, str] = field(default_factory=dict)
    """Hashes over the batches that held events of erased households."""
    dated: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Visits that were dated again: the last transfer before that, and the visit's place in the order."""
    unsigned: records.RecordContent = field(default_factory=records.RecordContent)
    settled: Spans = field(default_factory=Spans)
    """Events whose settlement was noted."""
    shift: int = 0
    """The community's `key_shift`; the keys above are those of the rows."""


def walk(community: Community, register: Register) -> Iterator[str]:
    """Yield a line for each record that is wrong; fill `register` with what the others say."""
    position, previous, computed = 0, chain.FIRST, chain.FIRST
    statement = "SELECT key_shift FROM points_chainhead WHERE community_id = %s"
    for (shift,) in sql.execute(statement, [community.pk]):
        register.shift = shift
    unlike: dict[int, str] = {}
    for found, kind, body, at, link in _records(community):
        where = f"the register of {community.slug} breaks at record {found}"
        if found != position + 1:
            yield f"{where}: record {position + 1} was expected"
        position = found
        try:
            written = bytes(body), records.moment_us(at), bytes(link)
            links = {
                chain.record_link(one, found, kind, written[1] or 0, written[0])
                for one in (previous, computed)
            }
            if written[2] not in links:
                yield f"{where}: the record or its link was changed"
            previous, computed = written[2], min(links)
            told = records.read(written[0], register.shift)
        except (TypeError, ValueError, AttributeError, msgspec.MsgspecError) as error:
            yield f"{where}: it cannot be read ({error})"
            continue
        _take(register, kind, told)
        yield from _unlike_records(kind, told, unlike, register.shift)
    yield from (f"the settlement of event {event} {what}" for event, what in unlike.items())
    yield from _end(community, position, previous)


def _records(community: Community) -> Iterator[sql.Row]:
    last: Any = 0
    statement = (
        "SELECT position, kind, body, CAST(at AS TEXT), chain FROM points_record "
        "WHERE community_id = %s AND position > %s ORDER BY position LIMIT %s"
    )
    while rows := sql.execute(statement, [community.pk, last, AT_ONCE]):
        yield from rows
        last = rows[-1][0]


def _end(community: Community, position: int, link: bytes) -> Iterator[str]:
    statement = "SELECT records, records_chain FROM points_chainhead WHERE community_id = %s"
    for last, end in sql.execute(statement, [community.pk]):
        if last != position or (bytes(end) if isinstance(end, bytes | memoryview) else end) != link:
            yield f"the register of {community.slug} ends after {position} records, its head says {last}"


def _take(register: Register, kind: str, told: records.RecordContent) -> None:
    if told.row:
        register.seals[told.row] = told.seal
        table, _, key = told.row.partition("/")
        if table == "points_card" and told.household is not None:
            if kind in {"unbound", "replaced"}:
                register.parted.add(int(key))
            else:
                register.bound.add((int(key), told.household))
    register.waits.update(told.waits)
    register.minted.update({(station, day): points for station, day, points in told.minted})
    register.batches.update(told.batches)
    if told.pseudonym:
        register.pseudonyms.add(told.pseudonym)
    if kind == "unsigned":
        register.unsigned = told
    for first, count in told.visits:
        register.settled.add(first, first + count - 1)
        if kind == "dated":
            for event in range(first, first + count):
                register.dated[event] = (told.after, len(register.dated))


_SETTLEMENTS = (
    "SELECT s.event_id, s.household_id, CAST(s.happened_at AS TEXT), CAST(s.local_day AS TEXT), s.timed, "
    "s.provisional, s.settled + s.held + s.withdrawn, s.lowered - s.withdrawn, s.lowered_by, s.counted, "
    "CAST(e.received_at AS TEXT) "
    "FROM points_visitsettlement s JOIN stations_event e ON e.id = s.event_id "
    "WHERE s.event_id >= %s AND s.event_id < %s ORDER BY s.event_id"
)


def _unlike_records(
    kind: str, told: records.RecordContent, unlike: dict[int, str], shift: int
) -> Iterator[str]:
    """Yield a line for each settlement of this record that is gone or came at another time.

    Settlements that differ from their record go into `unlike`, until a later record dates them again.
    """
    tags = base64.b64decode(told.tags)
    place = 0
    for first, count in told.visits:
        rows = {row[0]: row for row in sql.execute(_SETTLEMENTS, [first, first + count])}
        for event in range(first, first + count):
            tag = tags[place : place + seals.TAG_BYTES]
            place += seals.TAG_BYTES
            row = rows.get(event)
            if row is None:
                yield f"the settlement of event {event} is gone"
                continue
            if what := _came_otherwise(row, told.came):
                yield f"the settlement of event {event} {what}"
            if what := _unlike(row, tag, shift):
                unlike[event] = what
            elif kind == "dated":
                unlike.pop(event, None)


def _unlike(row: sql.Row, tag: bytes, shift: int) -> str | None:
    try:
        event, household, happened_at, *rest, _ = row
        columns = (records.moment_us(happened_at), *rest)
        # A visit of a card that was bound later was noted without a household.
        own = None if household is None else household - shift
        if tag not in {seals.settled_tag((event - shift, one, *columns)) for one in (own, None)}:
            return "is not as it was written (day, time, household, points due, or why they were lowered)"
    except (TypeError, ValueError, AttributeError) as error:
        return f"cannot be read ({error})"
    return None


def _came_otherwise(row: sql.Row, came: int | None) -> str | None:
    try:
        received = records.moment_us(row[-1])
    except (TypeError, ValueError, AttributeError) as error:
        return f"has an event whose receipt cannot be read ({error})"
    return None if came is None or came == received else "came at another time than its event says"
