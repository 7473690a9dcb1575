"""The ledger's own time: how long it has run, and whether its clock can be believed.

What waits ends by running time: it grows by what both a worker's monotonic clock and its calendar say
that has passed, so no clock that is wrong ends a wait. A calendar that is far from what stations say is
doubted, and told of, until they agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max

from cloud_sync.ledger.points.models import ChainHead, Transfer
from cloud_sync.ledger.points.posting import atomically, lock
from cloud_sync.ledger.stations.alarms import LEDGER, Cause, close_alarm, raise_alarm
from cloud_sync.ledger.stations.models import Alarm, Community, Epoch

FURTHEST_AHEAD = timedelta(hours=36)
"""No community is without any event for so long, while its ledger runs."""
FURTHEST_BACK = timedelta(hours=1)
BY = "the ledger"
"""Who closes an alarm that a station has answered."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why the clock is not believed."""

    now: datetime
    known: datetime

    def __str__(self) -> str:
        way, apart = (
            ("ahead of", self.now - self.known)
            if self.now > self.known
            else ("behind", self.known - self.now)
        )
        hours = round(apart.total_seconds() / 3600)
        return (
            f"the ledger's clock says {self.now:%Y-%m-%d %H:%M} UTC, {hours} hours {way} the newest event "
            f"({self.known:%Y-%m-%d %H:%M}): no wait ends until a station's clock agrees"
        )


def doubt_of(now: datetime, heard: datetime | None, transfer: datetime | None) -> Doubt | None:
    """Whether a clock that says `now` can be right, given the newest trusted time of stations.

    Where no station has any, the newest transfer's date stands for it. Pure.
    """
    known = heard or transfer
    if known is None or -FURTHEST_BACK <= now - known <= FURTHEST_AHEAD:
        return None
    return Doubt(now, known)


def look_at_clock(community: Community, now: datetime) -> Doubt | None:
    """Whether the clock is doubted now; an alarm says so, and closes once a station has agreed with it."""
    heard = Epoch.objects.filter(station__community=community).aggregate(at=Max("last_at"))["at"]
    last = ChainHead.objects.filter(community=community).values_list("position", flat=True).first()
    transfer = Transfer.objects.filter(community=community, position=last or 0).first()
    doubt = doubt_of(now, heard, None if transfer is None else transfer.created_at)
    if doubt is not None:
        raise_alarm(community.slug, LEDGER, Cause.CLOCK, str(doubt), now)
        return doubt
    alarms = Alarm.objects.filter(community=community.slug, reason=Cause.CLOCK, closed_at=None)
    for alarm in alarms.filter(last_at__lte=now if heard is None else heard + FURTHEST_BACK):
        close_alarm(alarm, BY, now)
    return None


@atomically
def count_running(community: Community, seconds: int, now: datetime) -> int:
    """Count that a worker ran so many seconds more, as far as the calendar agrees; what was counted."""
    lock(community)
    head = ChainHead.objects.get(community=community)
    passed = seconds if head.noted_at is None else int((now - head.noted_at).total_seconds())
    counted = max(0, min(seconds, passed))
    ChainHead.objects.filter(community=community).update(ran_s=head.ran_s + counted, noted_at=now)
    return counted


@atomically
def take_back_what_is_yet_to_come(community: Community, now: datetime) -> int:
    """Date what a wrong clock dated into the future as heard now; how many journals that was."""
    later = Epoch.objects.filter(station__community=community, updated__gt=now + FURTHEST_BACK)
    return later.update(updated=now)
