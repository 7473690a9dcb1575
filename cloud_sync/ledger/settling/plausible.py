"""Bound how old a visit can be. Pure: no database, no clock.

A station that was offline for a week must be paid for all of it, but a stolen key must not date visits
back over the calendar. A journal is sent in the order it was written, so an event received now cannot be
older than the newest event received before the station's previous day of receipt (the backlog of one day
may arrive in any order). One day of receipt therefore brings only the days since the station was last heard.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

KEPT = timedelta(days=31)
"""No older event arrives in normal use: a journal keeps events with a receipt for 30 days."""
SLACK = timedelta(hours=1)
"""How far a station's clock may be set back between two events."""


class Heard(Struct, frozen=True, gc=False):
    """When a station was admitted, and the newest times in its events.

    `on` is the last day of receipt. `newest` was received before that day began, `newest_before` before the
    previous day of receipt began.
    """

    admitted: datetime | None = None
    on: date | None = None
    newest: datetime | None = None
    newest_before: datetime | None = None


def earliest(heard: Heard, received: datetime, zone: ZoneInfo, *, doubted: bool = False) -> datetime | None:
    """Return the earliest possible moment of an event of this station received now; None for no bound.

    If the ledger's clock is `doubted`, its time sets no bound, nor does an admission dated in its future.
    """
    caught_up = heard.newest_before if heard.on == received.astimezone(zone).date() else heard.newest
    bounds = [
        None if doubted else began(received, zone) - KEPT,
        None if heard.admitted is None or heard.admitted > received else began(heard.admitted, zone),
        None if caught_up is None else caught_up - SLACK,
    ]
    return max((bound for bound in bounds if bound is not None), default=None)


def began(at: datetime, zone: ZoneInfo) -> datetime:
    """Return the start of a moment's local day."""
    return datetime.combine(at.astimezone(zone).date(), time(), zone)
