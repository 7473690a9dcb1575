"""Judge the ledger's clock by the clocks of its stations. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

FURTHEST_AHEAD = timedelta(hours=36)
"""While its ledger runs, every community has an event more often than this."""
FURTHEST_BACK = timedelta(hours=1)
ENOUGH = 2
"""Stations that must be ahead: one alone has a clock that is wrong, or a stolen key."""
NOTHING_SURE = datetime.fromtimestamp(0, UTC)


class Doubt(Struct, frozen=True):
    """Why the ledger's clock, which says `now`, is not believed."""

    now: datetime
    known: datetime | None
    """The newest trusted time of stations; None if there is none."""
    believed: datetime | None = None
    """The value of `known` when the clock was last believed, if it was recorded."""
    told: datetime | None = None
    """The time that several stations state, if only they show that this clock is behind."""

    @property
    def sure_until(self) -> datetime:
        """The latest trusted stamp to believe although the ledger's clock cannot confirm it.

        It is FURTHEST_AHEAD after what was known when the doubt began: a stolen key reaches at most
        two days ahead, and ordinary visits are still paid for a day and a half.
        """
        if self.known is None:
            return NOTHING_SURE
        return min(self.known, self.believed or self.known) + FURTHEST_AHEAD

    def __str__(self) -> str:
        if self.known is None:
            return f"the ledger's clock says {self.now:%Y-%m-%d %H:%M} UTC, and no station has confirmed it"
        if self.told is not None:
            hours = round((self.told - self.now).total_seconds() / 3600)
            return (
                f"the ledger's clock says {self.now:%Y-%m-%d %H:%M} UTC, {hours} hours behind what several "
                f"stations say ({self.told:%Y-%m-%d %H:%M}): what only it could date waits"
            )
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


def ahead_of(stamped_s: Sequence[float], now: datetime) -> datetime | None:
    """The newest of a station's trusted times, if a clock that says `now` is far behind it."""
    newest = datetime.fromtimestamp(max(stamped_s), UTC)
    return newest if newest - now > FURTHEST_BACK else None


def doubt_behind(now: datetime, heard: datetime | None, ahead: Sequence[datetime]) -> Doubt | None:
    """Judge a clock by stations that say another time, one each; None unless ENOUGH of them are ahead.

    A ledger that was off and comes back behind, but later than all that it knows, is found by nothing else.
    """
    told = sorted((at for at in ahead if at - now > FURTHEST_BACK), reverse=True)
    return Doubt(now, heard, told=told[ENOUGH - 1]) if len(told) >= ENOUGH else None


def doubt_of(now: datetime, heard: datetime | None, transfer: datetime | None) -> Doubt | None:
    """Judge a clock that says `now` by the newest trusted time of stations; None if it can be right.

    If no station has a trusted time, the date of the newest transfer is used.
    """
    known = heard or transfer
    if known is None or -FURTHEST_BACK <= now - known <= FURTHEST_AHEAD:
        return None
    return Doubt(now, known)
