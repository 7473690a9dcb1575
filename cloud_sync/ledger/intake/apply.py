"""Applies stations' messages in one transaction a community; repetition and order do not matter.

No transport in here: bytes in, receipts out.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from cloud_sync.ledger.chain import evidence
from cloud_sync.ledger.chain.records import has_moved
from cloud_sync.ledger.fleet.alarms import note_alarms
from cloud_sync.ledger.intake import begun, parse, store
from cloud_sync.ledger.intake.parse import Incoming, Sent
from cloud_sync.ledger.intake.receipts import receipts_for
from cloud_sync.ledger.points.clock import doubt_of_ahead, doubt_of_first, find_doubt
from cloud_sync.ledger.points.posting import Origin, atomically, has_left, origin_of
from cloud_sync.ledger.settling import plausible
from cloud_sync.ledger.settling.doubt import Doubt
from cloud_sync.ledger.settling.plausible import Heard
from cloud_sync.ledger.settling.pricing import Beyond, Grounds, Visit
from cloud_sync.ledger.settling.redating import is_waiting
from cloud_sync.ledger.settling.rules import known_rules
from cloud_sync.ledger.settling.settlement import settle_visits
from cloud_sync.ledger.stations.alarms import Cause, raise_alarm, raise_counted, raise_for
from cloud_sync.ledger.stations.copies import find_clones, find_twins, tell_clones
from cloud_sync.ledger.stations.models import Event, EventState, Station
from cloud_sync.rules.award_rules import HeldBy
from cloud_sync.wire.envelope import Receipt
from cloud_sync.wire.facts import Stamp, VisitFacts
from config.errors import InputError

log = logging.getLogger(__name__)


Name = tuple[str, str]
"""Community and station, as a topic names them."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The outcome of one station's messages, and the receipt for them."""

    receipt: Receipt
    new: int
    known: int
    refused: int
    """Events set aside now, events that contradict a stored one, and strays."""
    begun: int = 0
    """Epochs seen for the first time."""
    left_out: int = 0
    """Messages left out because the station would begin too many epochs in a day."""


def apply_batch(message: bytes, community: str, station: str, now: datetime) -> Applied | None:
    """Apply a message from this station's topic, as `apply_messages` does.

    Return None if it earns no receipt; an alarm says why.
    """
    return apply_messages([Sent(message, community, station)], now).get((community, station))


def apply_messages(
    messages: Sequence[Sent], now: datetime, *, doubt: Doubt | None = None
) -> dict[Name, Applied]:
    """Apply messages of any stations in the order given, with one transaction a community.

    `now` is the time of arrival, with a time zone. While that clock is in `doubt`, no event is too old, and
    visits that only this clock can date wait until it is believed again. A repeated message changes nothing
    and gets its receipt again. A message that cannot be believed raises an alarm; a station that sent only
    such messages has no entry. django.db.OperationalError leaves the rest unapplied: try again.
    """
    applied: dict[Name, Applied] = {}
    for community in dict.fromkeys(sent.community for sent in messages):
        theirs = [sent for sent in messages if sent.community == community]
        opened = parse.open_messages(community, theirs)
        if opened.stations:
            with transaction.atomic():
                applied |= _apply(opened, now, doubt)
        _tell_rejections(community, opened.rejected, now)
    return applied


def _tell_rejections(
    community: str, rejected: Sequence[tuple[Sent, parse.RejectedError]], now: datetime
) -> None:
    """Raise one alarm for each station and cause, with the number of messages."""
    last = {(sent.station, why.cause): str(why) for sent, why in rejected}
    times = Counter((sent.station, why.cause) for sent, why in rejected)
    for (station, cause), why in last.items():
        count = times[station, cause]
        log.warning("ALARM: messages for %r/%r earn no receipt (%d): %s", community, station, count, why)
        raise_alarm(community, station, cause, why, now, count)


def _apply(opened: parse.Opened, now: datetime, doubt: Doubt | None) -> dict[Name, Applied]:
    stations = opened.stations
    store.lock(stations)
    if has_left(next(iter(stations.values())).community):
        return _tell_moved(stations, now)
    stands = store.stands(store.by_epoch(opened.events))
    opened, left_out = begun.leave_out(opened, stands, now)
    incoming, strays = opened.events, opened.strays
    came = store.by_epoch(incoming)
    before = find_clones(stations, {name: stands[name] for name in came})
    new, conflicts = parse.sort_out(incoming, store.stored_digests(came, before))
    behind = _doubt_of_stations(stations, incoming, now)
    doubt = doubt or behind or _doubt_of_first(stations, new, now)
    grounds = _grounds(stations.values(), before, now, doubt)
    refused = _store(stations, new, grounds, now) if new else []
    begun_now = [name for name, stand in before.items() if stand.is_new]
    note_alarms(stations, [(item.identity[0], item.event) for item in new if item.event], begun_now, now)
    tell_clones(next(iter(stations.values())).community, new, before, now)
    if conflicts or strays:
        _keep_evidence(stations, conflicts, strays, now)
    passed = store.advance(came, before, now, opened.lost, find_twins(stations, before, new, now))
    evidence.keep(opened.batches, new, conflicts, passed, now)
    losses = [(key, f"{lost.epoch}/{lost.first} to {lost.last}") for key, lost in passed]
    raise_counted(stations, Cause.LOST, losses, now)
    receipts = receipts_for(stations.values(), came, None if doubt else now)
    fresh_epochs = Counter(station for (station, _), stand in before.items() if stand.is_new)
    sent, fresh, contradicting = _of_each(incoming), _of_each(new), _of_each(conflicts)
    aside = contradicting + _of_each(refused) + Counter(station.pk for station, _ in strays)
    return {
        (station.community.slug, station.slug): Applied(
            receipts[key],
            fresh[key],
            sent[key] - fresh[key] - contradicting[key],
            aside[key],
            fresh_epochs[key],
            left_out[key],
        )
        for key, station in stations.items()
    }


def _tell_moved(stations: Mapping[int, Station], now: datetime) -> dict[Name, Applied]:
    """Raise an alarm for stations that send here though their community moved out; they get no receipt."""
    for station in stations.values():
        raise_for(station, Cause.MOVED, "its events wait there until it sends to the other ledger", now)
    return {}


def _grounds(
    stations: Iterable[Station],
    before: Mapping[store.EpochOf, store.Stand],
    now: datetime,
    doubt: Doubt | None,
) -> Grounds:
    """Return the reasons to hold visits of this batch; begin the day of stations not yet heard today."""
    since: dict[int, datetime] = {}
    for station in stations:
        zone = ZoneInfo(station.community.timezone)
        bound = plausible.earliest(_heard(station), now, zone, doubted=doubt is not None)
        if bound is not None:
            since[station.pk] = bound
        today = now.astimezone(zone).date()
        # Visits that wait for the clock are judged by what came before: begin no day until they are dated.
        if station.received_on != today and doubt is None and not is_waiting(station):
            store.begin_day(station, today)
    return Grounds(frozenset(name for name, stand in before.items() if stand.cloned), since, doubt)


def _doubt_of_first(stations: Mapping[int, Station], new: Sequence[Incoming], now: datetime) -> Doubt | None:
    stamps = [item.event.stamp for item in new if item.event is not None]
    return doubt_of_first(next(iter(stations.values())).community, stamps, now)


def _doubt_of_stations(
    stations: Mapping[int, Station], incoming: Sequence[Incoming], now: datetime
) -> Doubt | None:
    stamps: dict[int, list[Stamp]] = {}
    for item in incoming:
        if item.event is not None:
            stamps.setdefault(item.identity[0], []).append(item.event.stamp)
    return doubt_of_ahead(list(stations.values()), stamps, now)


def _heard(station: Station) -> Heard:
    return Heard(station.admitted_at, station.received_on, station.newest_at, station.newest_before_at)


def raise_for_too_much(let_go: Mapping[Name, int], now: datetime) -> None:
    """Raise an alarm for each of these stations with its number of messages let go unread."""
    for (community, station), times in let_go.items():
        known = Station.objects.filter(community__slug=community, slug=station).exists()
        cause = Cause.TOO_MUCH if known else Cause.UNKNOWN_STATION
        detail = f"{times} messages were let go unread; what has no receipt comes again"
        log.warning("ALARM: %s/%s sends too much: %s", community, station, detail)
        raise_alarm(community, station, cause, detail, now, times)


def _of_each(items: Iterable[Incoming]) -> Counter[int]:
    """Count the items by station."""
    return Counter([item.identity[0] for item in items])


def _keep_evidence(
    stations: Mapping[int, Station],
    conflicts: Sequence[Incoming],
    strays: Sequence[tuple[Station, bytes]],
    now: datetime,
) -> None:
    store.store_conflicts(conflicts, now)
    told = [
        (key, f"other content as {epoch}/{sequence}")
        for key, epoch, sequence in (item.identity for item in conflicts)
    ]
    raise_counted(stations, Cause.CONFLICT, told, now)
    for station in dict.fromkeys(station for station, _ in strays):
        bodies = [body for whose, body in strays if whose == station]
        store.store_strays(station, bodies, now)
        raise_for(station, Cause.SET_ASIDE, f"names no event: {bodies[-1][:80]!r}", now, len(bodies))


def _store(
    stations: Mapping[int, Station], new: Sequence[Incoming], grounds: Grounds, now: datetime
) -> list[Incoming]:
    """Store and settle new events; return those that were set aside."""
    versions = {
        item.event.facts.rules
        for item in new
        if item.event is not None and isinstance(item.event.facts, VisitFacts)
    }
    community = next(iter(stations.values())).community
    rules = known_rules(community, versions)
    judged = [(item, *parse.judge(item.body, rules, item.event)) for item in new]
    visits = [
        Visit(Origin(key, *item.identity, item.digest), item.event.facts, item.event.stamp)
        for key, (item, _, reason) in zip(store.store_events(judged, now), judged, strict=True)
        if reason is None and item.event is not None and isinstance(item.event.facts, VisitFacts)
    ]
    if visits:
        _tell_held(stations, settle_visits(community, stations, visits, rules, now, grounds), now)
    return _tell_refusals(stations, judged, now)


def _tell_refusals(
    stations: Mapping[int, Station], judged: Sequence[store.Judged], now: datetime
) -> list[Incoming]:
    refused = [(item, reason) for item, _, reason in judged if reason is not None]
    told = [
        (item.identity[0], f"{item.identity[1]}/{item.identity[2]}: {reason}") for item, reason in refused
    ]
    raise_counted(stations, Cause.SET_ASIDE, told, now)
    return [item for item, _ in refused]


TOLD = {HeldBy.MINT_LIMIT: Cause.MINT_LIMIT, HeldBy.BACKDATED: Cause.BACKDATED}
"""The alarm for each reason that concerns one station; `tell_clones` raises those that concern two."""


def _tell_held(stations: Mapping[int, Station], beyond: Collection[Beyond], now: datetime) -> None:
    for key, why in dict.fromkeys((one.station, one.why) for one in beyond if one.why in TOLD):
        held = [one.points for one in beyond if (one.station, one.why) == (key, why)]
        raise_for(stations[key], TOLD[why], f"{len(held)} visits, {sum(held)} points wait", now)


@atomically
def reapply(event: Event, now: datetime) -> bool:
    """Apply an event that was set aside; return False if it was applied before.

    The event takes effect exactly once, even if several callers repeat this. InputError says why it still
    cannot be applied.
    """
    station = Station.objects.select_related("community").get(pk=event.station_id)
    stations = {station.pk: station}
    store.lock(stations)
    if has_left(station.community):
        raise has_moved(station.community.slug)
    row = Event.objects.get(pk=event.pk)
    if row.state == EventState.APPLIED:
        return False
    body = bytes(row.body)
    stated = parse.read_again(body)
    visit = stated.facts if stated is not None else None
    rules = known_rules(station.community, {visit.rules} if isinstance(visit, VisitFacts) else set())
    kind, reason = parse.judge(body, rules, stated)
    if reason is not None or stated is None:
        raise InputError(f"event {row} of {station} still cannot be applied: {reason}", _mend(reason))
    row.kind, row.state, row.reason = kind, EventState.APPLIED, ""
    row.save(update_fields=["kind", "state", "reason"])
    store.name_again(station.pk, row.epoch, now)
    if isinstance(stated.facts, VisitFacts):
        visits = [Visit(origin_of(row), stated.facts, stated.stamp)]
        grounds = _grounds_of(station, row, find_doubt(station.community, now))
        came = _came(row, stated.stamp, now)
        beyond = settle_visits(station.community, stations, visits, rules, now, grounds, came=came)
        _tell_held(stations, beyond, now)
    return True


def _came(row: Event, stamp: Stamp, now: datetime) -> datetime:
    """Return when an event came; `now` if its trusted stamp shows that the ledger's clock was behind then."""
    if stamp.trusted and row.received_at.timestamp() < stamp.wall_s <= now.timestamp():
        return now
    return min(row.received_at, now)


def _grounds_of(station: Station, row: Event, doubt: Doubt | None) -> Grounds:
    """Return the grounds at its arrival, except the bound from earlier events: a person applies it."""
    name = (station.pk, row.epoch)
    cloned = store.stands([name])[name].cloned
    heard = Heard(admitted=station.admitted_at)
    since = plausible.earliest(heard, row.received_at, ZoneInfo(station.community.timezone))
    return Grounds(frozenset([name] if cloned else []), {} if since is None else {station.pk: since}, doubt)


def _mend(reason: parse.Reason | None) -> str:
    if reason is parse.Reason.UNKNOWN_RULES:
        return (
            "give the community the rules of its version: "
            "tongzhan ledger community set SLUG --rules FILE --by NAME --reason WHY --config F"
        )
    return "its bytes stay as evidence; a person can give the points another way"
