"""The ledger's own time: how long it has run, and whether its clock can be believed.

Waits end by running time. It grows by the smaller of what a worker's monotonic clock and its calendar say
has passed, so a wrong clock ends no wait. A calendar far from the stations' times is doubted, and an alarm
says so, until a station agrees.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from django.db.models import Max
from msgspec import structs

from cloud_sync.ledger.points.models import ChainHead, Timed, Transfer, VisitSettlement
from cloud_sync.ledger.points.posting import atomically, lock
from cloud_sync.ledger.settling.doubt import ENOUGH, FURTHEST_BACK, Doubt, ahead_of, doubt_behind, doubt_of
from cloud_sync.ledger.stations.alarms import LEDGER, Cause, close_alarm, raise_alarm
from cloud_sync.ledger.stations.models import Alarm, Community, Epoch, Station
from cloud_sync.wire.facts import Stamp

BY = "the ledger"
"""Closes the clock's alarm once a station agrees."""


def find_doubt(community: Community, now: datetime) -> Doubt | None:
    """Judge the clock by the stored times of the community's stations; None if it can be right."""
    heard, head = _heard(community), ChainHead.objects.get(community=community)
    transfer = Transfer.objects.filter(community=community, position=head.position).first()
    if heard is None and (waits := _ahead(community)) is not None:
        # No station has ever agreed with this clock, and one that is ahead of it proves no time.
        return None if doubt_of(now, waits, None) is None else Doubt(now, None)
    last = None if transfer is None else transfer.created_at
    doubt = doubt_of(now, heard, last) or doubt_behind(now, heard or last, _stations_ahead(community, now))
    return None if doubt is None else structs.replace(doubt, believed=head.believed_at)


def look_at_clock(community: Community, now: datetime) -> Doubt | None:
    """Judge the clock and maintain its alarm: open while it is doubted, closed once a station agrees.

    While the clock is believed, store the stations' newest time: a later doubt begins there, also for a
    worker that starts later.
    """
    doubt = find_doubt(community, now)
    if doubt is not None:
        raise_alarm(community.slug, LEDGER, Cause.CLOCK, str(doubt), now)
        return doubt
    heard = _heard(community)
    ChainHead.objects.filter(community=community).update(believed_at=heard)
    alarms = Alarm.objects.filter(community=community.slug, reason=Cause.CLOCK, closed_at=None)
    for alarm in alarms.filter(last_at__lte=now if heard is None else heard + FURTHEST_BACK):
        close_alarm(alarm, BY, now)
    return None


def doubt_of_first(community: Community, stamps: Sequence[Stamp], now: datetime) -> Doubt | None:
    """Doubt a clock that no station ever agreed with if the first trusted stamps are far from it.

    Nobody can know yet which of the two is wrong; an alarm says so.
    """
    newest = max((stamp.wall_s for stamp in stamps if stamp.trusted), default=None)
    if newest is None:
        return None
    doubt = doubt_of(now, datetime.fromtimestamp(newest, UTC), None)
    if doubt is None or _heard(community) is not None:
        return None
    if now < (doubt.known or now):
        doubt = Doubt(now, None)
    elif all(stamp.trusted for stamp in stamps):
        return None  # a backlog: nothing in it needs the ledger's clock
    raise_alarm(community.slug, LEDGER, Cause.CLOCK, str(doubt), now)
    return doubt


def doubt_of_ahead(
    stations: Collection[Station], stamps: Mapping[int, Sequence[Stamp]], now: datetime
) -> Doubt | None:
    """Note which stations are far ahead of the clock, by their trusted stamps; doubt it where several are."""
    found: list[datetime] = []
    for station in stations:
        sure = [stamp.wall_s for stamp in stamps.get(station.pk, ()) if stamp.trusted]
        ahead = ahead_of(sure, now) if sure else None
        if sure and ahead != station.ahead_at:
            Station.objects.filter(pk=station.pk).update(ahead_at=ahead)
        found += [ahead] if ahead is not None else []
    if not found:
        return None
    community = next(iter(stations)).community
    doubt = find_doubt(community, now)
    if doubt is not None:
        raise_alarm(community.slug, LEDGER, Cause.CLOCK, str(doubt), now)
    return doubt


def _stations_ahead(community: Community, now: datetime) -> list[datetime]:
    """What the stations say that are furthest ahead of this clock, by what came of each last."""
    stations = Station.objects.filter(community=community, active=True, ahead_at__gt=now + FURTHEST_BACK)
    found = stations.order_by("-ahead_at").values_list("ahead_at", flat=True)[:ENOUGH]
    return [at for at in found if at is not None]


def _heard(community: Community) -> datetime | None:
    """Return the newest trusted time of the community's stations that was believed."""
    found: datetime | None = Epoch.objects.filter(station__community=community).aggregate(at=Max("last_at"))[
        "at"
    ]
    return found


def _ahead(community: Community) -> datetime | None:
    """Return the newest time among visits that wait to be dated."""
    waits = VisitSettlement.objects.filter(community=community, timed=Timed.DOUBTED, withdrawn=0)
    found: datetime | None = waits.aggregate(at=Max("happened_at"))["at"]
    return found


@atomically
def count_running(community: Community, seconds: int, now: datetime) -> int:
    """Add a worker's running time, as far as the calendar agrees; return the seconds added."""
    lock(community)
    head = ChainHead.objects.get(community=community)
    passed = seconds if head.noted_at is None else int((now - head.noted_at).total_seconds())
    counted = max(0, min(seconds, passed))
    ChainHead.objects.filter(community=community).update(ran_s=head.ran_s + counted, noted_at=now)
    return counted


@atomically
def take_back_what_is_yet_to_come(community: Community, now: datetime) -> int:
    """Set to now what a wrong clock noted as heard in the future; return how many journals that was."""
    later = Epoch.objects.filter(station__community=community, updated__gt=now + FURTHEST_BACK)
    return later.update(updated=now)
