"""From a message's bytes to events: who signed it, what each event states, what cannot be applied and why."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from cloud_sync import envelope, facts
from cloud_sync.ledger import sql
from cloud_sync.ledger.stations.alarms import Cause
from cloud_sync.ledger.stations.models import Community, EventKind, Station

MAX_SEQUENCE = 2**53
MAX_EVENT_BYTES = envelope.MAX_BODY_BYTES
MAX_PROVISIONAL = facts.MAX_DEPOSITS * 10_000
"""More than any rules can give one visit; beyond it sums could leave the database's integers."""

_EPOCH = re.compile(r"[0-9a-f]{16}")
_UNREADABLE = {"no_header", "malformed", "too_many"}
"""Reasons of `envelope` that say the same thing to a person."""

Identity = tuple[str, int]
"""Epoch and sequence: an event's name within its station."""


class Reason(StrEnum):
    """Why an event is set aside, as its receipt says it."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    UNKNOWN_RULES = "unknown_rules"
    CONFLICT = "conflict"


class RejectedError(Exception):
    """A message that earns no receipt; its text says why, for the log and the alarm."""

    def __init__(self, cause: Cause, detail: str) -> None:
        self.cause = cause
        super().__init__(detail)


class Incoming(Struct, frozen=True, gc=False):
    """One event as it came; `event` is None if its facts cannot be read."""

    identity: Identity
    body: bytes
    digest: str
    event: facts.Event | None


@dataclass(frozen=True, slots=True)
class Opened:
    """Batches that their station signed: events, what names no event, what the station has lost."""

    events: list[Incoming]
    strays: list[bytes]
    lost: list[envelope.Lost]
    """Sequences that the station states it no longer has, each with an event behind them in this batch."""


@dataclass(frozen=True, slots=True)
class Sender:
    """An active station and the keys by which it is believed."""

    station: Station
    keys: dict[str, Ed25519PublicKey]


_FIND = (
    "SELECT s.id, s.active, s.daily_mint_limit, c.id, c.timezone, c.daily_mint_limit, k.key_id, k.public "
    "FROM stations_community c JOIN stations_station s ON s.community_id = c.id "
    "LEFT JOIN stations_stationkey k ON k.station_id = s.id AND k.retired_at IS NULL "
    "WHERE c.slug = %s AND s.slug = %s"
)


def find_sender(community: str, station: str) -> Sender:
    """The active station of that name; RejectedError if there is none."""
    rows = sql.execute(_FIND, [community, station])
    if not rows:
        raise RejectedError(Cause.UNKNOWN_STATION, f"unknown station {community}/{station}")
    key, active, limit, community_key, timezone, community_limit, _, _ = rows[0]
    if not active:
        raise RejectedError(Cause.RETIRED_STATION, f"station {community}/{station} is retired")
    whose = Community(pk=community_key, slug=community, timezone=timezone, daily_mint_limit=community_limit)
    found = Station(pk=key, slug=station, community=whose, active=True, daily_mint_limit=limit)
    keys = {
        key_id: Ed25519PublicKey.from_public_bytes(bytes(public)) for *_, key_id, public in rows if key_id
    }
    return Sender(found, keys)


def open_message(message: bytes, sender: Sender) -> Opened:
    """A batch that this station signed; RejectedError says why it is not to be believed."""
    station, keys = sender.station, sender.keys
    try:
        batch = envelope.open_batch(message, keys)
    except envelope.EnvelopeError as error:
        cause = Cause.UNREADABLE if error.reason in _UNREADABLE else Cause(error.reason)
        raise RejectedError(cause, str(error)) from None
    if (batch.community, batch.station) != (station.community.slug, station.slug):
        detail = f"the body speaks for {batch.community[:64]!r}/{batch.station[:64]!r}"
        raise RejectedError(Cause.FOREIGN, detail)
    opened = _sorted_by_name([bytes(raw) for raw in batch.events])
    behind = dict(sorted(item.identity for item in opened.events))  # of each epoch, the last
    opened.lost.extend(lost for lost in batch.lost if lost.last < behind.get(lost.epoch, 0))
    return opened


def _sorted_by_name(bodies: Sequence[bytes]) -> Opened:
    opened = Opened([], [], [])
    for body in bodies:
        event = _event(body)
        identity = (event.epoch, event.sequence) if event is not None else _identity(body)
        if identity is None:
            opened.strays.append(body)
        else:
            opened.events.append(Incoming(identity, body, hashlib.sha256(body).hexdigest(), event))
    return opened


def _identity(body: bytes) -> Identity | None:
    """An event's name, read even where nothing else can be; None for what names no event."""
    try:
        name = envelope.decode_event_id(body)
    except msgspec.DecodeError:
        return None
    possible = _EPOCH.fullmatch(name.epoch) and 1 <= name.sequence <= MAX_SEQUENCE
    return (name.epoch, name.sequence) if possible else None


def _event(body: bytes) -> facts.Event | None:
    if len(body) > MAX_EVENT_BYTES:
        return None
    try:
        event = envelope.decode_event(body)
    except msgspec.DecodeError:
        return None
    visit = event.facts
    return None if isinstance(visit, facts.VisitFacts) and visit.provisional > MAX_PROVISIONAL else event


def judge(body: bytes, rules: Collection[int], event: facts.Event | None) -> tuple[EventKind, Reason | None]:
    """What an event is, and why it cannot be applied, if it cannot; `rules` are the versions known here."""
    if event is None:
        return EventKind.UNREAD, Reason.TOO_LARGE if len(body) > MAX_EVENT_BYTES else Reason.MALFORMED
    if isinstance(event.facts, facts.AlarmFacts):
        return EventKind.ALARM, None
    return EventKind.VISIT, None if event.facts.rules in rules else Reason.UNKNOWN_RULES


def read_again(body: bytes) -> facts.Event | None:
    """What a stored body states to the code of today; None if it still cannot be read."""
    return _event(body)


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
