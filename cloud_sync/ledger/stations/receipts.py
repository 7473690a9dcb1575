"""What the ledger tells a station: how far its events are safe here, and which were set aside."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import Case, Q, QuerySet, Value, When

from cloud_sync.envelope import MAX_RECEIPT_EPOCHS, MAX_RETIRED, EpochReceipt, Receipt
from cloud_sync.ledger import sql
from cloud_sync.ledger.stations.intake import Identity, Reason
from cloud_sync.ledger.stations.models import Conflict, Event, EventState, Station

KEPT = timedelta(days=30)
"""How long a station keeps receipted rows, and so how long a receipt names an epoch."""
MAX_REFUSED = 400
"""Refusals that one receipt names, so that it fits a broker's smallest message."""


def receipt_for(station: Station, batch: Collection[Identity], now: datetime) -> Receipt:
    """The station's receipt after a batch: its refusals first, then the latest of all others."""
    epochs = _epochs(station, now - KEPT)
    refused = _refused(station, {epoch for epoch, _ in epochs}, batch) if _any_refused(station) else {}
    return Receipt(
        community=station.community.slug,
        station=station.slug,
        retired=_retired(station),
        epochs=tuple(EpochReceipt(epoch, through, refused.get(epoch, ())) for epoch, through in epochs),
    )


def overtaken(receipt: Receipt, now: datetime) -> Receipt | None:
    """A newer receipt for the same station, if the ledger has moved on since this one was made."""
    statement = (
        "SELECT e.epoch, e.through FROM stations_epoch e "
        "JOIN stations_station s ON s.id = e.station_id JOIN stations_community c ON c.id = s.community_id "
        "WHERE c.slug = %s AND s.slug = %s AND e.updated >= %s ORDER BY e.updated DESC, e.id DESC LIMIT 1"
    )
    since = sql.keeper()(now - KEPT)
    newest = sql.execute(statement, [receipt.community, receipt.station, since])
    told = {entry.epoch: entry.through for entry in receipt.epochs}
    if all(told.get(epoch, -1) >= through for epoch, through in newest):
        return None
    station = Station.objects.select_related("community").get(
        community__slug=receipt.community, slug=receipt.station
    )
    return receipt_for(station, (), now)


def _epochs(station: Station, since: datetime) -> list[tuple[str, int]]:
    """The epochs that a receipt names, newest first, each with how far it is safe."""
    statement = (
        "SELECT epoch, through FROM stations_epoch WHERE station_id = %s AND updated >= %s "
        "ORDER BY updated DESC, id DESC LIMIT %s"
    )
    rows = sql.execute(statement, [station.pk, sql.keeper()(since), MAX_RECEIPT_EPOCHS])
    return [(epoch, through) for epoch, through in rows]


def _retired(station: Station) -> tuple[str, ...]:
    """The keys of this station that are believed no longer, the latest first."""
    statement = (
        "SELECT key_id FROM stations_stationkey WHERE station_id = %s AND retired_at IS NOT NULL "
        "ORDER BY retired_at DESC, id DESC LIMIT %s"
    )
    return tuple(key for (key,) in sql.execute(statement, [station.pk, MAX_RETIRED]))


def _any_refused(station: Station) -> bool:
    """Whether there is anything to name, asked by two cheap look-ups: mostly there is not."""
    statement = (
        "SELECT EXISTS (SELECT 1 FROM stations_event WHERE station_id = %s AND state = 'refused') "
        "OR EXISTS (SELECT 1 FROM stations_conflict WHERE station_id = %s)"
    )
    return bool(sql.execute(statement, [station.pk, station.pk])[0][0])


def _refused(
    station: Station, epochs: Collection[str], batch: Collection[Identity]
) -> dict[str, tuple[tuple[int, str], ...]]:
    """For each epoch that has any: its refusals in order, MAX_REFUSED in all."""
    events = Event.objects.filter(station=station, epoch__in=epochs, state=EventState.REFUSED)
    conflicts = Conflict.objects.filter(station=station, epoch__in=epochs)
    reasons = _newest(events, batch) | _newest(conflicts.annotate(reason=Value(Reason.CONFLICT.value)), batch)
    named = sorted(reasons, key=lambda identity: identity not in batch)[:MAX_REFUSED]
    return {
        epoch: tuple((sequence, reasons[epoch, sequence]) for epoch, sequence in group)
        for epoch, group in groupby(sorted(named), key=itemgetter(0))
    }


def _newest(rows: QuerySet[Any], batch: Collection[Identity]) -> dict[Identity, str]:
    """Reasons of at most MAX_REFUSED rows: the batch's own first, then the latest."""
    own = Q(epoch__in={epoch for epoch, _ in batch}, sequence__in={sequence for _, sequence in batch})
    ordered = rows.order_by(Case(When(own, then=Value(0)), default=Value(1)), "-id")
    found = ordered.values_list("epoch", "sequence", "reason")[:MAX_REFUSED]
    return {(epoch, sequence): reason for epoch, sequence, reason in found}
