"""What a worker does besides batches: tells every station where it stands, and ends waits that are over."""

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
    """What the ledger holds of each active station, some stations at a time.

    Retained at the broker, they tell a station of a restored ledger what to send again, one whose key
    was retired that it was, and one that has been backing off that the ledger is there. Without a `now`
    that can be believed they name journals however old.
    """
    stations = list(_active(community))
    for part in range(0, len(stations), AT_ONCE):
        yield list(receipts_for(stations[part : part + AT_ONCE], {}, now).values())


def end_waits(community: Community, now: datetime) -> None:
    """Give or return what has waited as long as it may, and say so in the log; `now` is believed."""
    take_back_what_is_yet_to_come(community, now)
    if dated := date_all(community, now):
        log.info("%d visits waited for the clock and are dated: %d points given", dated.visits, dated.given)
    if expired := expire(community, now):
        log.info("waits ended: %d points given, %d returned", expired.given, expired.returned)


def _active(community: Community) -> QuerySet[Station]:
    return Station.objects.filter(community=community, active=True).select_related("community").order_by("pk")
