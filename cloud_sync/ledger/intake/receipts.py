"""Receipts for stations: up to which sequence events are stored here, and which were set aside."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import Case, Q, QuerySet, Value, When

from cloud_sync.ledger.db import sql
from cloud_sync.ledger.intake.parse import Reason
from cloud_sync.ledger.intake.store import Came
from cloud_sync.ledger.stations.models import Conflict, Dismissal, Event, EventState, Station
from cloud_sync.wire.envelope import MAX_RECEIPT_EPOCHS, MAX_RETIRED, EpochReceipt, Receipt

KEPT = timedelta(days=30)
"""How long a station keeps receipted rows, and therefore how long a receipt names an epoch."""
MAX_REFUSED = 400
"""Refusals that one receipt names, so that it fits a broker's smallest message limit."""


def receipts_for(stations: Collection[Station], batch: Came, now: datetime | None) -> dict[int, Receipt]:
    """Return each station's receipt by primary key: refusals of the batch first, then the latest others.

    Each station must have its community loaded. If `now` is None because the clock is doubted, no epoch is
    too old to be named: a station sends again what its receipt does not name.
    """
    keys = [station.pk for station in stations]
    since, retired = _since(now), _retired(keys)
    epochs = _epochs(keys, since, MAX_RECEIPT_EPOCHS)
    for key, decided in _decided_about(keys, since).items():
        epochs[key] = _joined(epochs.get(key, []), decided)
    refused = {
        key: _refused(key, [epoch for epoch, _ in epochs.get(key, [])], batch) for key in _with_refusals(keys)
    }
    return {
        station.pk: Receipt(
            community=station.community.slug,
            station=station.slug,
            retired=tuple(retired.get(station.pk, ())[:MAX_RETIRED]),
            epochs=tuple(
                EpochReceipt(epoch, through, refused.get(station.pk, {}).get(epoch, ()))
                for epoch, through in epochs.get(station.pk, ())
            ),
        )
        for station in stations
    }


def overtaken(receipts: Sequence[Receipt], now: datetime | None) -> list[Receipt]:
    """Return newer receipts for stations whose stored events have advanced since these were made."""
    find = (
        "SELECT s.id, w.community, w.station FROM w CROSS JOIN stations_community c "
        "CROSS JOIN stations_station s "
        "WHERE c.slug = w.community AND s.community_id = c.id AND s.slug = w.station"
    )
    told = {(receipt.community, receipt.station): receipt for receipt in receipts}
    keys = {
        key: told[community, station]
        for key, community, station in sql.matching(
            find, {"community": "text", "station": "text"}, list(told)
        )
    }
    newest = _epochs(list(keys), _since(now), 1)
    moved = [key for key, ((epoch, through),) in newest.items() if _through_of(keys[key], epoch) < through]
    if not moved:
        return []
    stations = Station.objects.select_related("community").filter(pk__in=moved)
    return list(receipts_for(stations, {}, now).values())


def _since(now: datetime | None) -> datetime:
    return now - KEPT if now is not None else datetime.fromtimestamp(0, UTC)


def _through_of(receipt: Receipt, epoch: str) -> int:
    """Return the `through` of an epoch in a receipt; -1 if the receipt does not name it."""
    return next((entry.through for entry in receipt.epochs if entry.epoch == epoch), -1)


def _epochs(stations: Sequence[int], since: datetime, most: int) -> dict[int, list[tuple[str, int]]]:
    """Return the newest epochs of each station, the newest first, each with its `through`."""
    statement = (
        "SELECT station_id, epoch, through FROM (SELECT e.station_id, e.epoch, e.through, ROW_NUMBER() OVER "
        "(PARTITION BY e.station_id ORDER BY e.updated DESC, e.id DESC) AS place "
        "FROM w CROSS JOIN stations_epoch e WHERE e.station_id = w.station AND e.updated >= %s) newest "
        "WHERE place <= %s ORDER BY station_id, place"
    )
    wanted = [(station,) for station in stations]
    found: dict[int, list[tuple[str, int]]] = {}
    for station, epoch, through in sql.matching(
        statement, {"station": "bigint"}, wanted, [sql.keeper()(since), most]
    ):
        found.setdefault(station, []).append((epoch, through))
    return found


def _decided_about(stations: Sequence[int], since: datetime) -> dict[int, list[tuple[str, int]]]:
    """Return epochs with a person's decision since then, the latest first: their stations must hear of it."""
    statement = (
        "SELECT station_id, epoch, through FROM stations_epoch WHERE decided_at >= %s "
        "AND station_id AMONG ORDER BY decided_at DESC, id DESC"
    )
    found: dict[int, list[tuple[str, int]]] = {}
    for station, epoch, through in sql.select(statement, stations, [sql.keeper()(since)]):
        found.setdefault(station, []).append((epoch, through))
    return found


def _joined(newest: Sequence[tuple[str, int]], decided: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return the newest epochs, then the others with a decision while there is room.

    They never fill the receipt: from a full one the station concludes that the ledger lost every epoch that
    is newer than the oldest idle one named, and missing.
    """
    more = [one for one in decided if one not in newest]
    return [*newest, *more[: max(0, MAX_RECEIPT_EPOCHS - 1 - len(newest))]]


def _retired(stations: Sequence[int]) -> dict[int, list[str]]:
    """Return the retired keys of each station, the latest first."""
    statement = (
        "SELECT station_id, key_id FROM stations_stationkey WHERE retired_at IS NOT NULL "
        "AND station_id AMONG ORDER BY retired_at DESC, id DESC"
    )
    found: dict[int, list[str]] = {}
    for station, key in sql.select(statement, stations):
        found.setdefault(station, []).append(key)
    return found


def _with_refusals(stations: Sequence[int]) -> list[int]:
    """Return the stations with any refusal. Most have none, and two cheap look-ups show that."""
    statement = (
        "SELECT s.id FROM stations_station s WHERE (EXISTS (SELECT 1 FROM stations_event e "
        "WHERE e.station_id = s.id AND e.state = 'refused') OR EXISTS (SELECT 1 FROM stations_conflict c "
        "WHERE c.station_id = s.id)) AND s.id AMONG"
    )
    return [key for (key,) in sql.select(statement, stations)]


def _refused(station: int, epochs: Collection[str], batch: Came) -> dict[str, tuple[tuple[int, str], ...]]:
    """Return the refusals of this station by epoch, in order, MAX_REFUSED in all.

    Dismissed ones are left out: the ledger keeps them, so the station need not.
    """
    own = {
        (epoch, sequence)
        for (whose, epoch), sequences in batch.items()
        if whose == station
        for sequence in sequences
    }
    events = Event.objects.filter(station=station, epoch__in=epochs, state=EventState.REFUSED)
    events = events.exclude(pk__in=Dismissal.rows(Dismissal.Kind.EVENT))
    conflicts = Conflict.objects.filter(station=station, epoch__in=epochs)
    conflicts = conflicts.exclude(pk__in=Dismissal.rows(Dismissal.Kind.CONFLICT))
    reasons = _newest(events, own) | _newest(conflicts.annotate(reason=Value(Reason.CONFLICT.value)), own)
    named = sorted(reasons, key=lambda name: name not in own)[:MAX_REFUSED]
    return {
        epoch: tuple((sequence, reasons[epoch, sequence]) for epoch, sequence in group)
        for epoch, group in groupby(sorted(named), key=itemgetter(0))
    }


def _newest(rows: QuerySet[Any], batch: Collection[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Return the reasons of at most MAX_REFUSED rows: the batch's own first, then the latest."""
    own = Q(epoch__in={epoch for epoch, _ in batch}, sequence__in={sequence for _, sequence in batch})
    ordered = rows.order_by(Case(When(own, then=Value(0)), default=Value(1)), "-id")
    found = ordered.values_list("epoch", "sequence", "reason")[:MAX_REFUSED]
    return {(epoch, sequence): reason for epoch, sequence, reason in found}
