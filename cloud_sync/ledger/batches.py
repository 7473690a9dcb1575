"""Applying one batch: all of it or nothing, in one transaction, however often and in whatever order.

No transport in here: bytes in, a receipt out.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from cloud_sync.award_rules import HeldBy
from cloud_sync.envelope import Receipt
from cloud_sync.facts import VisitFacts
from cloud_sync.ledger.points.posting import Origin, atomically, origin_of
from cloud_sync.ledger.points.rules import known_rules
from cloud_sync.ledger.points.settlement import Settled, Visit, settle_visits
from cloud_sync.ledger.stations import intake, store
from cloud_sync.ledger.stations.alarms import Cause, raise_alarm, raise_for
from cloud_sync.ledger.stations.models import Event, EventState, Station
from cloud_sync.ledger.stations.receipts import receipt_for
from config.errors import InputError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of one batch, and the receipt for it."""

    receipt: Receipt
    new: int
    known: int
    refused: int
    """Of this batch: set aside now, contradicting what came before, or naming no event."""


def apply_batch(message: bytes, community: str, station: str, now: datetime) -> Applied | None:
    """Apply a message that came on this station's topic; None if it earns no receipt (an alarm says why).

    `now` is when it came, with a time zone. A batch applied before changes nothing and gets its
    receipt again. django.db.OperationalError means that nothing happened: try again.
    """
    return apply_batches([message], community, station, now)


def apply_batches(messages: Sequence[bytes], community: str, station: str, now: datetime) -> Applied | None:
    """Apply several messages of one station in one transaction, as `apply_batch` does one.

    Those that are not to be believed are left out; None if none is left.
    """
    opened = intake.Opened([], [], [])
    sender: intake.Sender | None = None
    believed = 0
    for message in messages:
        try:
            sender = sender or intake.find_sender(community, station)
            batch = intake.open_message(message, sender)
        except intake.RejectedError as why:
            log.warning("ALARM: a message for %r/%r earns no receipt: %s", community, station, why)
            raise_alarm(community, station, why.cause, str(why), now)
            continue
        believed += 1
        opened.events.extend(batch.events)
        opened.strays.extend(batch.strays)
        opened.lost.extend(batch.lost)
    if sender is None or not believed:
        return None
    with transaction.atomic():
        return _apply(sender.station, opened, now)


def _apply(station: Station, opened: intake.Opened, now: datetime) -> Applied:
    incoming = opened.events
    store.lock(station)
    new, conflicts = intake.sort_out(incoming, store.stored_digests(station, incoming))
    refused = _store(station, new, now) if new else 0
    if conflicts or opened.strays:
        _keep_evidence(station, conflicts, opened.strays, now)
    identities = {item.identity for item in incoming}
    for lost in store.advance(station, identities, now, opened.lost):
        log.warning("ALARM: %s lost %s/%d to %d", station, lost.epoch, lost.first, lost.last)
        raise_for(station, Cause.LOST, f"{lost.epoch}/{lost.first} to {lost.last}", now)
    return Applied(
        receipt=receipt_for(station, identities, now),
        new=len(new),
        known=len(incoming) - len(new) - len(conflicts),
        refused=refused + len(conflicts) + len(opened.strays),
    )


def _keep_evidence(
    station: Station, conflicts: Sequence[intake.Incoming], strays: Sequence[bytes], now: datetime
) -> None:
    store.store_conflicts(station, conflicts, now)
    store.store_strays(station, strays, now)
    for item in conflicts:
        log.warning("ALARM: %s sent other content as %s/%d", station, *item.identity)
        raise_for(station, Cause.CONFLICT, "other content as {}/{}".format(*item.identity), now)
    for body in strays:
        log.warning("ALARM: %s sent what names no event", station)
        raise_for(station, Cause.SET_ASIDE, f"names no event: {body[:80]!r}", now)


def _store(station: Station, new: Sequence[intake.Incoming], now: datetime) -> int:
    """Store and settle what is new; how many of it were set aside."""
    versions = {
        item.event.facts.rules
        for item in new
        if item.event is not None and isinstance(item.event.facts, VisitFacts)
    }
    rules = known_rules(station.community, versions)
    judged = [(item, *intake.judge(item.body, rules, item.event)) for item in new]
    keys = store.store_events(station, judged, now)
    whose = station.pk
    visits = [
        Visit(Origin(key, whose, *item.identity, item.digest), item.event.facts, item.event.stamp)
        for key, (item, _, reason) in zip(keys, judged, strict=True)
        if reason is None and item.event is not None and isinstance(item.event.facts, VisitFacts)
    ]
    if visits:
        _look_at_limit(station, settle_visits(station, visits, rules, now), now)
    return _tell_refusals(station, judged, now)


def _tell_refusals(station: Station, judged: Sequence[store.Judged], now: datetime) -> int:
    refused = [(item, reason) for item, _, reason in judged if reason is not None]
    for item, reason in refused:
        log.warning("ALARM: %s/%s/%d is set aside: %s", station, *item.identity, reason)
        raise_for(station, Cause.SET_ASIDE, "{}/{}: {}".format(*item.identity, reason), now)
    return len(refused)


def _look_at_limit(station: Station, settled: Collection[Settled], now: datetime) -> None:
    beyond = [one for one in settled if one.word.held_by is HeldBy.MINT_LIMIT]
    if beyond:
        points = sum(one.word.held for one in beyond)
        log.warning("ALARM: %s brought more than its daily limit; %d points wait", station, points)
        raise_for(station, Cause.MINT_LIMIT, f"{len(beyond)} visits, {points} points wait", now)


@atomically
def reapply(event: Event, now: datetime) -> bool:
    """Apply an event that was set aside, now that it can be; False if it was applied before.

    Its effect happens exactly once, however often and by whomever this is called. InputError says why
    it still cannot be applied.
    """
    station = Station.objects.select_related("community").get(pk=event.station_id)
    store.lock(station)
    row = Event.objects.get(pk=event.pk)
    if row.state == EventState.APPLIED:
        return False
    body = bytes(row.body)
    stated = intake.read_again(body)
    visit = stated.facts if stated is not None else None
    rules = known_rules(station.community, {visit.rules} if isinstance(visit, VisitFacts) else set())
    kind, reason = intake.judge(body, rules, stated)
    if reason is not None or stated is None:
        raise InputError(f"event {row} of {station} still cannot be applied: {reason}", _mend(reason))
    row.kind, row.state, row.reason = kind, EventState.APPLIED, ""
    row.save(update_fields=["kind", "state", "reason"])
    if isinstance(stated.facts, VisitFacts):
        visits = [Visit(origin_of(row), stated.facts, stated.stamp)]
        settled = settle_visits(station, visits, rules, now, came=row.received_at)
        _look_at_limit(station, settled, now)
    return True


def _mend(reason: intake.Reason | None) -> str:
    if reason is intake.Reason.UNKNOWN_RULES:
        return "bring the rules of its version: name them in ledger.toml, then tongzhan ledger init"
    return "its bytes stay as evidence; a person can give the points another way"
