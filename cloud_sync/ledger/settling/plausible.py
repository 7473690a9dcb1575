"""Whether a visit can be as old as it says: no database, no clock.

A station that was offline for a week must be paid for all of it, and a stolen key must not date visits
back over the calendar. A journal is sent in the order it was written: what comes now is not older than
what had come of the same station before the last day of receipt but one (a day's own backlog may come in
any order). So one day of receipt brings a station's days since it was last heard, and no others.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

KEPT = timedelta(days=31)
"""Older than that nothing comes of itself: a journal keeps 30 days of what it has a receipt for."""
SLACK = timedelta(hours=1)
"""By so much a station's clock may have been set back between two events."""


class Heard(Struct, frozen=True, gc=False):
    """What is known of a station: when it was admitted, and the newest times in its events.

    `newest` had come before the day `on` began, `newest_before` before the day of receipt before it.
    """

    admitted: datetime | None = None
    on: date | None = None
    newest: datetime | None = None
    newest_before: datetime | None = None


def earliest(heard: Heard, received: datetime, zone: ZoneInfo, *, doubted: bool = False) -> datetime | None:
    """The earliest moment that an event of this station, received now, can be of; None is no bound.

    A `doubted` clock of the ledger's makes nothing old, nor does an admission that such a clock dated.
    """
    caught_up = heard.newest_before if heard.on == received.astimezone(zone).date() else heard.newest
    bounds = [
        None if doubted else began(received, zone) - KEPT,
        None if heard.admitted is None or heard.admitted > received else began(heard.admitted, zone),
        None if caught_up is None else caught_up - SLACK,
    ]
    return max((bound for bound in bounds if bound is not None), default=None)


def began(at: datetime, zone: ZoneInfo) -> datetime:
    """When the day of a moment began where the community is."""
    return datetime.combine(at.astimezone(zone).date(), time(), zone)
