"""Applying one batch: all of it or nothing, in one transaction, however often and in whatever order.

No transport in here: bytes in, a receipt out.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from cloud_sync.envelope import Receipt
from cloud_sync.facts import VisitFacts
from cloud_sync.ledger.points.rules import known_rules
from cloud_sync.ledger.points.settlement import Visit, settle_visits
from cloud_sync.ledger.stations import intake
from cloud_sync.ledger.stations.models import EventState, Station
from cloud_sync.ledger.stations.receipts import receipt_for

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of one batch, and the receipt for it."""

    receipt: Receipt
    new: int
    known: int
    refused: int
    """Of this batch: set aside now, or contradicting what came before."""


def apply_batch(message: bytes, community: str, station: str, now: datetime) -> Applied | None:
    """Apply a message that came on this station's topic; None if it earns no receipt (the log says why).

    `now` is when it came, with a time zone. A batch applied before changes nothing and gets its
    receipt again. django.db.OperationalError means that nothing happened: try again.
    """
    try:
        sender = intake.find_station(community, station)
        incoming = intake.open_message(message, sender)
    except intake.RejectedError as why:
        log.warning("ALARM: a message for %r/%r earns no receipt: %s", community, station, why)
        return None
    with transaction.atomic():
        return _apply(sender, incoming, now)


def _apply(station: Station, incoming: Sequence[intake.Incoming], now: datetime) -> Applied:
    intake.lock(station)
    new, conflicts = intake.sort_out(incoming, intake.stored_digests(station, incoming))
    refused = _store(station, new, now)
    intake.store_conflicts(station, conflicts, now)
    for item in conflicts:
        log.warning("ALARM: %s sent other content as %s/%d", station, *item.identity)
    identities = {item.identity for item in incoming}
    intake.advance(station, {epoch for epoch, _ in identities}, now)
    return Applied(
        receipt=receipt_for(station, identities, now),
        new=len(new),
        known=len(incoming) - len(new) - len(conflicts),
        refused=refused + len(conflicts),
    )


def _store(station: Station, new: Sequence[intake.Incoming], now: datetime) -> int:
    """Store and settle what is new; how many of it were refused."""
    facts = [item.event.facts if item.event else None for item in new]
    versions = {visit.rules for visit in facts if isinstance(visit, VisitFacts)}
    rules = known_rules(station.community, versions)
    rows = intake.store_events(station, new, rules, now)
    visits = [
        Visit(row, item.event.facts, item.event.stamp)
        for row, item in zip(rows, new, strict=True)
        if row.state == EventState.APPLIED and item.event and isinstance(item.event.facts, VisitFacts)
    ]
    if visits:
        settle_visits(station.community, visits, rules, now)
    set_aside = [row for row in rows if row.state == EventState.REFUSED]
    for row in set_aside:
        log.warning("ALARM: %s/%s is set aside: %s", station, row, row.reason)
    return len(set_aside)
