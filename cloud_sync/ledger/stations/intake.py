"""From a message's bytes to stored events: who signed it, what is new in it, what is set aside and why."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cloud_sync import envelope, facts
from cloud_sync.ledger.stations.models import Conflict, Epoch, Event, EventKind, EventState, Station

MAX_SEQUENCE = 2**53
MAX_PROVISIONAL = facts.MAX_DEPOSITS * 10_000
"""More than any rules can give one visit; beyond it sums could leave the database's integers."""

_EPOCH = re.compile(r"[0-9a-f]{16}")

Identity = tuple[str, int]
"""Epoch and sequence: an event's name within its station."""


class Reason(StrEnum):
    """Why an event is set aside, as its receipt says it."""

    MALFORMED = "malformed"
    UNKNOWN_RULES = "unknown_rules"
    CONFLICT = "conflict"


class RejectedError(Exception):
    """A message that earns no receipt; its text says why, for the log."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One event as it came; `event` is None if its facts cannot be read."""

    identity: Identity
    body: bytes
    digest: str
    event: facts.Event | None


def find_station(community: str, station: str) -> Station:
    """The active station of that name; RejectedError if there is none."""
    found = Station.objects.select_related("community").filter(
        community__slug=community, slug=station, active=True
    )
    if (row := found.first()) is None:
        raise RejectedError(f"unknown station {community}/{station}")
    return row


def open_message(message: bytes, station: Station) -> list[Incoming]:
    """The events of a batch that this station signed; RejectedError says why it is not to be believed."""
    keys = {
        key.key_id: Ed25519PublicKey.from_public_bytes(bytes(key.public))
        for key in station.keys.filter(retired_at=None)
    }
    try:
        batch = envelope.open_batch(message, keys)
    except envelope.EnvelopeError as error:
        raise RejectedError(str(error)) from None
    if (batch.community, batch.station) != (station.community.slug, station.slug):
        raise RejectedError(f"the body speaks for {batch.community!r}/{batch.station!r}")
    return [_incoming(bytes(raw)) for raw in batch.events]


def _incoming(body: bytes) -> Incoming:
    try:
        name = envelope.decode_event_id(body)
    except msgspec.DecodeError as error:
        raise RejectedError(f"an event without identity ({error})") from None
    if not _EPOCH.fullmatch(name.epoch) or not 1 <= name.sequence <= MAX_SEQUENCE:
        raise RejectedError(f"an event of an impossible identity ({name.epoch[:16]!r}, {name.sequence})")
    return Incoming((name.epoch, name.sequence), body, hashlib.sha256(body).hexdigest(), _facts(body))


def _facts(body: bytes) -> facts.Event | None:
    try:
        event = envelope.decode_event(body)
    except msgspec.DecodeError:
        return None
    visit = event.facts
    return None if isinstance(visit, facts.VisitFacts) and visit.provisional > MAX_PROVISIONAL else event


def stored_digests(station: Station, incoming: Sequence[Incoming]) -> dict[Identity, str]:
    """Digests of those events that are already stored."""
    rows = Event.objects.filter(
        station=station,
        epoch__in={item.identity[0] for item in incoming},
        sequence__in={item.identity[1] for item in incoming},
    )
    return {
        (epoch, sequence): digest
        for epoch, sequence, digest in rows.values_list("epoch", "sequence", "digest")
    }


def sort_out(
    incoming: Sequence[Incoming], stored: dict[Identity, str]
) -> tuple[list[Incoming], list[Incoming]]:
    """What is new, and what contradicts an event that came before; a repetition is neither."""
    first = dict(stored)
    new, conflicts = [], []
    for item in incoming:
        if item.identity not in first:
            first[item.identity] = item.digest
            new.append(item)
        elif first[item.identity] != item.digest:
            conflicts.append(item)
    return new, conflicts


def store_events(
    station: Station, new: Sequence[Incoming], rules: Collection[int], now: datetime
) -> list[Event]:
    """Store new events, each applied or set aside; `rules` are the versions that the ledger knows."""
    return Event.objects.bulk_create([_row(station, item, rules, now) for item in new])


def _row(station: Station, item: Incoming, rules: Collection[int], now: datetime) -> Event:
    kind, reason = _judge(item.event, rules)
    return Event(
        station=station,
        epoch=item.identity[0],
        sequence=item.identity[1],
        kind=kind,
        body=item.body,
        digest=item.digest,
        received_at=now,
        state=EventState.REFUSED if reason else EventState.APPLIED,
        reason=reason or "",
    )


def _judge(event: facts.Event | None, rules: Collection[int]) -> tuple[EventKind, Reason | None]:
    if event is None:
        return EventKind.UNREAD, Reason.MALFORMED
    if isinstance(event.facts, facts.AlarmFacts):
        return EventKind.ALARM, None
    return EventKind.VISIT, None if event.facts.rules in rules else Reason.UNKNOWN_RULES


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


def advance(station: Station, epochs: Collection[str], now: datetime) -> None:
    """Move each epoch's `through` over the events that are there without a gap."""
    for name in sorted(epochs):
        epoch, _ = Epoch.objects.get_or_create(station=station, epoch=name, defaults={"updated": now})
        epoch.through = _contiguous(station, name, epoch.through)
        epoch.updated = now
        epoch.save(update_fields=["through", "updated"])


def _contiguous(station: Station, epoch: str, through: int) -> int:
    # Reads one row past the gap at most, so that a week stored above a gap costs nothing.
    beyond = Event.objects.filter(station=station, epoch=epoch, sequence__gt=through)
    for sequence in beyond.order_by("sequence").values_list("sequence", flat=True).iterator(chunk_size=100):
        if sequence != through + 1:
            break
        through = sequence
    return through


def lock(station: Station) -> None:
    """Let no other worker apply this station's events until the transaction ends."""
    Station.objects.select_for_update().get(pk=station.pk)
