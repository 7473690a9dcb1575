"""The events that `tongzhan station export` prints, and the formats to write them in."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from cloud_sync.wire.facts import Stamp
from config.errors import InputError
from edge.journal.salvage import JournalRow, Salvaged

SHOWN_DIGITS = 12
"""Digits shown of a card's hash by default: enough to name the card to `tongzhan station card`."""


class EventFilter(NamedTuple):
    """Which events to export; None means no limit."""

    first: date | None = None
    last: date | None = None
    zone: ZoneInfo = ZoneInfo("UTC")
    kind: str | None = None

    def has(self, event: _AnyEvent) -> bool:
        """Return whether an event is wanted."""
        day = datetime.fromtimestamp(event.stamp.wall_s, self.zone).date()
        is_in_time = (self.first is None or self.first <= day) and (self.last is None or day <= self.last)
        return is_in_time and self.kind in {None, event.facts.kind}


class _AnyFacts(msgspec.Struct, frozen=True):
    kind: str
    deposits: tuple[msgspec.Raw, ...] | None = None
    fault: str | None = None
    part: str | None = None
    raised: bool | None = None


class _AnyEvent(msgspec.Struct, frozen=True):
    """The part of an event that is read, even if its kind is unknown to this program."""

    epoch: str
    sequence: int
    stamp: Stamp
    facts: _AnyFacts


class ExportedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event. An alarm has no card, points and deposits; a visit has no fault, part and raised."""

    epoch: str
    sequence: int
    kind: str
    at: str
    """When it was written, ISO 8601; reliable only if `trusted`."""
    trusted: bool
    card: str | None
    points: int | None
    deposits: int | None
    fault: str | None
    part: str | None
    raised: bool | None
    state: str
    """waiting, receipted or refused."""
    refused: str | None


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """What `export --json` prints. `damage` is null for an intact file; `waiting` counts all events."""

    damage: str | None
    station: str | None
    cards: int
    waiting: int
    events: tuple[ExportedEvent, ...]


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its name; InputError if it is unknown."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(f"no time zone {name!r}", "name one like Asia/Shanghai") from None


def exported(found: Salvaged, wanted: EventFilter, *, whole_cards: bool) -> Export:
    """Return the wanted events among all that could be read."""
    read = ((record, msgspec.json.decode(record.event, type=_AnyEvent)) for record in found.records)
    events = tuple(
        _exported(*one, wanted.zone, whole_cards=whole_cards) for one in read if wanted.has(one[1])
    )
    return Export(
        damage=found.damage,
        station="/".join(found.owner) if found.owner else None,
        cards=len(found.roster),
        waiting=sum(record.receipted_s is None for record in found.records),
        events=events,
    )


def _exported(record: JournalRow, event: _AnyEvent, zone: ZoneInfo, *, whole_cards: bool) -> ExportedEvent:
    state = "refused" if record.refused else "waiting" if record.receipted_s is None else "receipted"
    facts = event.facts
    moment = datetime.fromtimestamp(event.stamp.wall_s, UTC).astimezone(zone)
    return ExportedEvent(
        epoch=event.epoch,
        sequence=event.sequence,
        kind=facts.kind,
        at=moment.isoformat(timespec="seconds"),
        trusted=event.stamp.trusted,
        card=record.card if whole_cards or record.card is None else record.card[:SHOWN_DIGITS],
        points=record.points,
        deposits=None if facts.deposits is None else len(facts.deposits),
        fault=facts.fault,
        part=facts.part,
        raised=facts.raised,
        state=state,
        refused=record.refused,
    )


def written(shown: Export, form: str) -> str:
    """Format events as text, csv (with a header), jsonl (an object a line) or json (one object)."""
    match form:
        case "json":
            return msgspec.json.encode(shown).decode()
        case "jsonl":
            return "".join(f"{msgspec.json.encode(event).decode()}\n" for event in shown.events)
        case "csv":
            return _csv(shown.events)
        case _:
            return _text(shown)


def _csv(events: tuple[ExportedEvent, ...]) -> str:
    text = io.StringIO()
    rows = csv.DictWriter(text, ExportedEvent.__struct_fields__, lineterminator="\n")
    rows.writeheader()
    rows.writerows(msgspec.to_builtins(event) for event in events)
    return text.getvalue()


def _text(shown: Export) -> str:
    lines = []
    for event in shown.events:
        what = f"{event.fault} of {event.part}" if event.fault else ""
        what = what or ("" if event.points is None else f"{event.points} points")
        told = f"{event.state}: {event.refused}" if event.refused else event.state
        doubt = "" if event.trusted else " (clock not trusted)"
        lines.append(f"{event.epoch}/{event.sequence}  {event.at}{doubt}  {event.kind:5}  {what:10}  {told}")
    lines.append(
        f"{len(shown.events)} events, {shown.waiting} without a receipt; {shown.cards} cards;"
        f" station {shown.station or 'unknown'}; {shown.damage or 'the file is sound'}"
    )
    return "\n".join(lines)
