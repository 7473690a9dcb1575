"""Parses a message into events: who signed it, what each event states, and why one cannot be applied."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from cloud_sync.ledger.db import sql
from cloud_sync.ledger.stations.alarms import Cause
from cloud_sync.ledger.stations.models import Community, EventKind, Station
from cloud_sync.wire import envelope, facts

MAX_SEQUENCE = 2**53
MAX_EVENT_BYTES = envelope.MAX_BODY_BYTES
MAX_PROVISIONAL = facts.MAX_DEPOSITS * 10_000
"""More than any rules can give one visit; larger values could overflow the database's integers."""

_EPOCH = re.compile(r"[0-9a-f]{16}")
_UNREADABLE = {"no_header", "malformed", "too_many"}
"""Reasons of `envelope` that mean the same to a person."""

Identity = tuple[int, str, int]
"""Station (primary key), epoch and sequence: an event's name in this database."""


class Sent(Struct, frozen=True, gc=False):
    """A message from a station's topic, with the names in that topic."""

    payload: bytes
    community: str
    station: str


class Reason(StrEnum):
    """Why an event is set aside, as its receipt states it."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    UNKNOWN_RULES = "unknown_rules"
    CONFLICT = "conflict"


class RejectedError(Exception):
    """The message earns no receipt; the text says why, for the log and the alarm."""

    def __init__(self, cause: Cause, detail: str) -> None:
        self.cause = cause
        super().__init__(detail)


class Incoming(Struct, frozen=True, gc=False):
    """One event as it came; `event` is None if its facts cannot be read."""

    identity: Identity
    body: bytes
    digest: str
    event: facts.Event | None


class Delivered(Struct, frozen=True, gc=False):
    """One believed message: its sender's primary key, the signed bytes, and the content in its order."""

    station: int
    batch: envelope.Batch
    signed: envelope.Signed
    events: list[Incoming]
    strays: list[bytes]
    """Bodies that name no event."""
    lost: list[envelope.Lost]
    """Sequences stated as lost; the batch has a later event of the same epoch for each."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The messages of one community's stations, believed and rejected, in order of arrival."""

    stations: dict[int, Station]
    """Senders of believed messages by primary key, each with its community."""
    batches: list[Delivered]
    """Believed messages."""
    rejected: list[tuple[Sent, RejectedError]]
    """Messages that are not believed, and why."""

    @property
    def events(self) -> list[Incoming]:
        """All events of the believed messages."""
        return [item for one in self.batches for item in one.events]

    @property
    def strays(self) -> list[tuple[Station, bytes]]:
        """Bodies that name no event, each with its station."""
        return [(self.stations[one.station], body) for one in self.batches for body in one.strays]

    @property
    def lost(self) -> list[tuple[int, envelope.Lost]]:
        """Sequences stated as lost, each with its station's primary key."""
        return [(one.station, lost) for one in self.batches for lost in one.lost]


@dataclass(frozen=True, slots=True)
class KnownStation:
    """A station, active or retired, and the keys that it may sign with."""

    station: Station
    keys: dict[str, Ed25519PublicKey]


_FIND = (
    "SELECT s.slug, k.key_id, k.public, s.id, s.active, s.daily_mint_limit, s.admitted_at, s.received_on, "
    "s.newest_at, s.newest_before_at, s.ahead_at, c.id, c.timezone, c.daily_mint_limit "
    "FROM stations_community c JOIN stations_station s ON s.community_id = c.id "
    "LEFT JOIN stations_stationkey k ON k.station_id = s.id AND k.retired_at IS NULL "
    "WHERE c.slug = %s AND s.slug AMONG"
)


def open_messages(community: str, messages: Sequence[Sent]) -> Opened:
    """Open messages from topics of this community; list the rejected ones apart, with the reason."""
    known = _find_stations(community, sorted({sent.station for sent in messages}))
    opened = Opened({}, [], [])
    for sent in messages:
        try:
            _open(sent, known.get(sent.station), opened)
        except RejectedError as why:
            opened.rejected.append((sent, why))
    return opened


def _find_stations(community: str, slugs: Sequence[str]) -> dict[str, KnownStation]:
    """Return the known stations of these slugs, retired ones included."""
    found: dict[str, KnownStation] = {}
    for slug, key_id, public, *row in sql.select(_FIND, slugs, [community]):
        if slug not in found:
            found[slug] = KnownStation(_station(slug, community, *row), {})
        if key_id:
            found[slug].keys[key_id] = _public_key(bytes(public))
    return found


# Rows of stations seldom change, and building these two objects costs more than the query.
@lru_cache(maxsize=4096)
def _station(slug: str, home: str, key: int, active: int, limit: int | None, *row: Any) -> Station:  # noqa: ANN401
    admitted, on, newest, newest_before, ahead, home_key, timezone, home_limit = row
    community = Community(slug=home, pk=home_key, timezone=timezone, daily_mint_limit=home_limit)
    times = {"admitted_at": admitted, "newest_at": newest, "newest_before_at": newest_before}
    times["ahead_at"] = ahead
    return Station(
        pk=key,
        slug=slug,
        community=community,
        active=bool(active),
        daily_mint_limit=limit,
        received_on=None if on is None else sql.day_of(on),
        **{name: None if at is None else sql.moment_of(at) for name, at in times.items()},
    )


@lru_cache(maxsize=4096)
def _public_key(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)


def _open(sent: Sent, sender: KnownStation | None, opened: Opened) -> None:
    """Add the content of a batch that this station signed; RejectedError says why it is not believed."""
    if sender is None:
        raise RejectedError(Cause.UNKNOWN_STATION, f"unknown station {sent.community}/{sent.station}")
    station = sender.station
    if not station.active:
        raise RejectedError(Cause.RETIRED_STATION, f"station {sent.community}/{sent.station} is retired")
    try:
        batch, signed = envelope.open_signed(sent.payload, sender.keys)
    except envelope.EnvelopeError as error:
        cause = Cause.UNREADABLE if error.reason in _UNREADABLE else Cause(error.reason)
        raise RejectedError(cause, str(error)) from None
    if (batch.community, batch.station) != (sent.community, sent.station):
        detail = f"the body speaks for {batch.community[:64]!r}/{batch.station[:64]!r}"
        raise RejectedError(Cause.FOREIGN, detail)
    key: int = station.pk
    bodies = [bytes(raw) for raw in batch.events]
    came = [_incoming(key, body, event) for body, event in zip(bodies, _events(bodies), strict=True)]
    events = [item for item in came if item is not None]
    _count_epochs(events)
    opened.stations[key] = station
    strays = [body for body, item in zip(bodies, came, strict=True) if item is None]
    lost = [lost for lost in batch.lost if _is_followed(lost, events)]
    opened.batches.append(Delivered(key, batch, signed, events, strays, lost))


def _count_epochs(events: Sequence[Incoming]) -> None:
    """Raise RejectedError for a batch with more epochs than MAX_BATCH_EPOCHS."""
    epochs = len({item.identity[1] for item in events})
    if epochs > envelope.MAX_BATCH_EPOCHS:
        detail = f"events of {epochs} epochs, at most {envelope.MAX_BATCH_EPOCHS} in a batch"
        raise RejectedError(Cause.UNREADABLE, detail)


def _is_followed(lost: envelope.Lost, events: Sequence[Incoming]) -> bool:
    """Say whether the batch has an event of the same epoch after these lost sequences."""
    return any(
        epoch == lost.epoch and sequence > lost.last for _, epoch, sequence in (e.identity for e in events)
    )


def _incoming(station: int, body: bytes, event: facts.Event | None) -> Incoming | None:
    """Return an event as it came; None for a body that names no event."""
    name = event or _name(body)
    if name is None:
        return None
    return Incoming((station, name.epoch, name.sequence), body, hashlib.sha256(body).hexdigest(), event)


def _name(body: bytes) -> envelope.EventId | None:
    """Read an event's epoch and sequence, even if the rest of the body is unreadable."""
    try:
        name = envelope.decode_event_id(body)
    except msgspec.DecodeError:
        return None
    possible = _EPOCH.fullmatch(name.epoch) and 1 <= name.sequence <= MAX_SEQUENCE
    return name if possible else None


def _events(bodies: Sequence[bytes]) -> list[facts.Event | None]:
    """Decode each body: all in one call, or one by one if any of them is unreadable."""
    try:
        events = envelope.decode_events(bodies)
    except msgspec.DecodeError:
        return [_event(body) for body in bodies]
    return [event if _is_possible(event, body) else None for event, body in zip(events, bodies, strict=True)]


def _event(body: bytes) -> facts.Event | None:
    try:
        event = envelope.decode_event(body)
    except msgspec.DecodeError:
        return None
    return event if _is_possible(event, body) else None


def _is_possible(event: facts.Event, body: bytes) -> bool:
    visit = event.facts
    is_absurd = isinstance(visit, facts.VisitFacts) and visit.provisional > MAX_PROVISIONAL
    return not is_absurd and len(body) <= MAX_EVENT_BYTES


def judge(body: bytes, rules: Collection[int], event: facts.Event | None) -> tuple[EventKind, Reason | None]:
    """Return an event's kind, and why it cannot be applied or None; `rules` are the versions known here."""
    if event is None:
        return EventKind.UNREAD, Reason.TOO_LARGE if len(body) > MAX_EVENT_BYTES else Reason.MALFORMED
    if isinstance(event.facts, facts.AlarmFacts):
        return EventKind.ALARM, None
    if isinstance(event.facts, facts.CommandFacts):
        return EventKind.COMMAND, None
    return EventKind.VISIT, None if event.facts.rules in rules else Reason.UNKNOWN_RULES


def read_again(body: bytes) -> facts.Event | None:
    """Decode a stored body with the present code; None if it is still unreadable."""
    return _event(body)


def sort_out(
    incoming: Sequence[Incoming], stored: dict[Identity, str]
) -> tuple[list[Incoming], list[Incoming]]:
    """Return the new events and those that contradict an earlier one; repetitions are dropped."""
    first = dict(stored)
    new, conflicts = [], []
    for item in incoming:
        if item.identity not in first:
            first[item.identity] = item.digest
            new.append(item)
        elif first[item.identity] != item.digest:
            conflicts.append(item)
    return new, conflicts
