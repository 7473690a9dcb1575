"""Date the visits of a batch by their stamps, their neighbours in the journal, and earlier stored visits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from cloud_sync.ledger.points.models import Timed, VisitSettlement
from cloud_sync.ledger.points.posting import Origin
from cloud_sync.ledger.settling.doubt import Doubt
from cloud_sync.ledger.settling.timing import Moment, StampedEvent, moments, stated
from cloud_sync.wire.facts import Stamp

Stamped = tuple[Origin, Stamp]
"""A stored event and the stamp in it."""
NOT_SURE = (Timed.BOUNDED, Timed.DOUBTED)


def date_visits(
    visits: Sequence[Stamped],
    now: datetime,
    doubt: Doubt | None = None,
    since: Mapping[int, datetime] | None = None,
    came_since: datetime | None = None,
) -> list[Moment]:
    """Date each visit received at `now`; an unsure time is bounded by the station's other visits.

    `since` gives for each station the earliest possible moment of a visit; it bounds unknown times.
    If it is not known when the visits were received, `came_since` is the earliest possible moment.
    """
    times = [stated(stamp, now, doubt) for _, stamp in visits]
    sure = [moment for moment in times if moment is not None]
    if len(sure) == len(visits):
        return sure
    unsure = {origin.station for (origin, _), at in zip(visits, times, strict=True) if at is None}
    for station in unsure:
        its = [place for place, (origin, _) in enumerate(visits) if origin.station == station]
        found = _of_station(station, [visits[place] for place in its], now, doubt, came_since)
        for place, moment in zip(its, found, strict=True):
            times[place] = _not_before(moment, (since or {}).get(station))
    return [moment for moment in times if moment is not None]


def local_days(moment: Moment, zone: ZoneInfo) -> list[date]:
    """Return the possible local days of a visit, the latest first."""
    last = moment.latest.astimezone(zone).date()
    if moment.timed != "bounded":
        return [last]
    apart = (last - moment.earliest.astimezone(zone).date()).days
    return [last - timedelta(days=back) for back in range(apart + 1)]


def _of_station(
    station: int,
    visits: Sequence[Stamped],
    now: datetime,
    doubt: Doubt | None,
    came_since: datetime | None,
) -> Sequence[Moment]:
    batch = [StampedEvent(origin.epoch, origin.sequence, stamp) for origin, stamp in visits]
    times = moments(batch, now, doubt=doubt)
    unsure = {item.epoch for item, moment in zip(batch, times, strict=True) if moment.timed == "bounded"}
    if not unsure:
        return times
    before = {epoch: _last_before(station, epoch, batch) or came_since for epoch in unsure}
    known = {epoch: at for epoch, at in before.items() if at is not None}
    return moments(batch, now, known, doubt)


def _not_before(moment: Moment, since: datetime | None) -> Moment:
    """Raise the lower bound of an unknown time to `since`."""
    if since is None or moment.timed != "bounded" or moment.earliest >= since:
        return moment
    return Moment(min(moment.latest, since), moment.latest, moment.timed)


def _last_before(station: int, epoch: str, batch: Sequence[StampedEvent]) -> datetime | None:
    """Return the time of the nearest earlier visit in this journal whose time is sure."""
    first = min(item.sequence for item in batch if item.epoch == epoch)
    rows = VisitSettlement.objects.filter(
        event__station=station, event__epoch=epoch, event__sequence__lt=first
    ).exclude(timed__in=NOT_SURE)
    return rows.order_by("-event__sequence").values_list("happened_at", flat=True).first()
