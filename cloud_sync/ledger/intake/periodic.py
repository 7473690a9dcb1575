"""A worker's periodic tasks in the database: receipts for every station, and the end of waits."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime

from django.db.models import QuerySet

from cloud_sync.ledger.intake.receipts import receipts_for
from cloud_sync.ledger.points.clock import take_back_what_is_yet_to_come
from cloud_sync.ledger.points.held import expire
from cloud_sync.ledger.settling.redating import date_all
from cloud_sync.ledger.stations.models import Community, Station
from cloud_sync.wire.envelope import Receipt

log = logging.getLogger(__name__)

AT_ONCE = 200
"""Stations whose receipts are read by one query."""


def standing_receipts(community: Community, now: datetime | None) -> Iterator[list[Receipt]]:
    """Yield a receipt for each active station, AT_ONCE stations at a time.

    The broker retains them. They tell a station what to send again after the ledger was restored, that its
    key was retired, and, while it backs off, that the ledger is back. If `now` is None because the clock
    is doubted, they name epochs of any age.
    """
    stations = list(_active(community))
    for part in range(0, len(stations), AT_ONCE):
        yield list(receipts_for(stations[part : part + AT_ONCE], {}, now).values())


def end_waits(community: Community, now: datetime) -> None:
    """Give or return points whose wait has reached its limit, and log it; `now` must be believed."""
    take_back_what_is_yet_to_come(community, now)
    if dated := date_all(community, now):
        log.info("%d visits waited for the clock and are dated: %d points given", dated.visits, dated.given)
    if expired := expire(community, now):
        log.info("waits ended: %d points given, %d returned", expired.given, expired.returned)


def _active(community: Community) -> QuerySet[Station]:
    return Station.objects.filter(community=community, active=True).select_related("community").order_by("pk")
