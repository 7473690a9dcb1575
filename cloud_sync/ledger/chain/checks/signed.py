"""Check that every batch's signature fits its events, and that every event is in a signed batch."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from cloud_sync.ledger.chain import evidence, records
from cloud_sync.ledger.chain.checks.register import Register
from cloud_sync.ledger.chain.checks.spans import Spans
from cloud_sync.ledger.db import sql
from cloud_sync.ledger.stations.models import Community
from cloud_sync.wire import envelope

EpochOf = tuple[int, str]
"""A station's primary key, and an epoch."""


@dataclass
class SignedEvents:
    """The sequences that signed batches hold, and those that they state as lost."""

    events: defaultdict[EpochOf, Spans] = field(default_factory=lambda: defaultdict(Spans))
    lost: defaultdict[EpochOf, Spans] = field(default_factory=lambda: defaultdict(Spans))
    batches: int = 0
    erased: int = 0
    """Batches whose signature can no longer be checked because events in them were erased."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """One event of a batch."""

    key: int
    body: bytes
    digest: str
    received_at: str
    is_first: bool
    """Whether this batch was the first to bring it."""


_BATCHES = (
    "SELECT b.id, b.station_id, s.slug, b.key_id, b.signature, b.holds, b.lost, b.body, "
    "CAST(b.received_at AS TEXT) "
    "FROM points_signedbatch b JOIN stations_station s ON s.id = b.station_id "
    "WHERE s.community_id = %s ORDER BY b.id"
)


def walk(community: Community, register: Register, signed: SignedEvents) -> Iterator[str]:
    """Yield a line for each batch whose signature does not fit, and for each event in no batch."""
    keys = _keys(community)
    for key, station, slug, *row in sql.stream(_BATCHES, [community.pk]):
        signed.batches += 1
        try:
            what = _wrong(signed, register, keys, (key, station, community.slug, slug), row)
        except (TypeError, ValueError, msgspec.MsgspecError, envelope.EnvelopeError) as error:
            what = f"it cannot be read ({error})"
        if what is not None:
            yield f"the signed batch {key} of {slug}: {what}"
    yield from _unsigned_events(community, register, signed)


def _keys(community: Community) -> Mapping[tuple[int, str], bytes]:
    """Return every key that a station ever had, by station and key id."""
    statement = (
        "SELECT k.station_id, k.key_id, k.public FROM stations_stationkey k "
        "JOIN stations_station s ON s.id = k.station_id WHERE s.community_id = %s"
    )
    rows = sql.execute(statement, [community.pk])
    return {
        (station, key): bytes(public)
        for station, key, public in rows
        if isinstance(public, bytes | memoryview)
    }


def _wrong(
    signed: SignedEvents,
    register: Register,
    keys: Mapping[tuple[int, str], bytes],
    name: tuple[int, int, str, str],
    row: Sequence[object],
) -> str | None:
    """Return what is wrong with one batch; note its events even so, so that each problem is named once."""
    (batch, station, home, slug), key_id = name, str(row[0])
    signature, holds, stated, body = (bytes(value) for value in row[1:5])  # type: ignore[call-overload]
    lost = evidence.read_lost(stated)
    stored = _stored(station, signed, evidence.read_runs(holds))
    for gap in lost:
        signed.lost[station, gap.epoch].add(gap.first, gap.last)
    if None in stored:
        return "an event that it held is gone"
    events = [one for one in stored if one is not None]
    if what := _edited(events, str(row[5]), register.unsigned.last):
        return what
    if batch in register.batches:
        signed.erased += 1
        is_same = sum_of([one.digest for one in events]) == register.batches[batch]
        return None if is_same else "an event was edited"
    if (public := keys.get((station, key_id))) is None:
        return f"its station never had the key {key_id}"
    if body and not _holds(body, events, lost):
        return "it was signed with other events"
    made = body or envelope.batch_body(home, slug, [one.body for one in events], lost)
    return (
        None if envelope.is_signed(made, signature, public) else f"its station's key {key_id} did not sign it"
    )


def _edited(events: Sequence[_Stored], came: str, last: int) -> str | None:
    """Return what is wrong with the events of a batch; `last` is the key of the last unsigned event."""
    if any(one.body and hashlib.sha256(one.body).hexdigest() != one.digest for one in events):
        return "the bytes of an event were edited"
    at = records.moment_us(came)
    if any(one.is_first and one.key > last and records.moment_us(one.received_at) != at for one in events):
        return "it came at another time than its events"
    return None


def _stored(station: int, signed: SignedEvents, runs: Sequence[evidence.Run]) -> list[_Stored | None]:
    statement = (
        "SELECT sequence, id, body, digest, CAST(received_at AS TEXT) FROM stations_event "
        "WHERE station_id = %s AND epoch = %s AND sequence >= %s AND sequence <= %s"
    )
    found: list[_Stored | None] = []
    for epoch, first, last in runs:
        before = signed.events[station, epoch]
        rows = sql.execute(statement, [station, epoch, first, last])
        here = {
            sequence: _Stored(key, bytes(body), digest, at, sequence not in before)
            for sequence, key, body, digest, at in rows
        }
        before.add(first, last)
        found += [here.get(sequence) for sequence in range(first, last + 1)]
    return found


def _holds(body: bytes, events: Sequence[_Stored], lost: Sequence[envelope.Lost]) -> bool:
    """Return whether signed bytes that were kept whole hold these events and losses."""
    batch = envelope.read_batch(body)
    there = {bytes(raw) for raw in batch.events}
    return all(one.body in there for one in events) and tuple(batch.lost) == tuple(lost)


def sum_of(digests: Sequence[str]) -> str:
    """Return one hash over a batch's events, in its order."""
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:32]


def _unsigned_events(community: Community, register: Register, signed: SignedEvents) -> Iterator[str]:
    statement = (
        "SELECT e.id, e.station_id, s.slug, e.epoch, e.sequence, e.digest FROM stations_event e "
        "JOIN stations_station s ON s.id = e.station_id WHERE s.community_id = %s "
        "ORDER BY e.station_id, e.epoch, e.sequence"
    )
    told = register.unsigned
    count, digest = 0, hashlib.sha256()
    for key, station, slug, epoch, sequence, sum_ in sql.stream(statement, [community.pk]):
        if isinstance(sequence, int) and sequence in signed.events[station, epoch]:
            continue
        if not isinstance(key, int) or key > told.last:
            yield f"event {key} ({slug}/{epoch}/{sequence}) is in no batch that its station signed"
            continue
        count += 1
        digest.update(records.unsigned_line(station - register.shift, epoch, sequence, sum_))
    if told.sum and (count, digest.hexdigest()) != (told.events, told.sum):
        yield (
            f"{told.events} events of {community.slug} came before signatures were kept; "
            f"now there are {count}, or some were edited"
        )
