"""Prices visits one after the other: the rules' word on each, and on which of its days it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from cloud_sync.ledger.points.posting import Origin
from cloud_sync.ledger.settling.doubt import Doubt
from cloud_sync.ledger.settling.inputs import Books, Holder
from cloud_sync.ledger.settling.plausible import began
from cloud_sync.ledger.settling.timing import Moment
from cloud_sync.rules.award_rules import Award, AwardRules, HeldBy, Settlement, Tally, award, settle
from cloud_sync.wire.facts import Role, Stamp, VisitFacts

NOTHING = Tally()
# Finding a member in its enum costs as much as the comparison it is for.
STAFF, RESIDENT = Role.STAFF, Role.RESIDENT
CLONED, BACKDATED, LEDGER_CLOCK = HeldBy.CLONED, HeldBy.BACKDATED, HeldBy.LEDGER_CLOCK
OF_STATIONS = (HeldBy.MINT_LIMIT, CLONED, BACKDATED)
"""Reasons that say something of the station, and count to no limit until a person has decided."""


class Beyond(Struct, frozen=True, gc=False):
    """A station, by its primary key, and points of a visit that wait for what says something of it."""

    station: int
    points: int
    why: HeldBy


class Grounds(Struct, frozen=True):
    """What makes visits wait before anything is said of their card."""

    cloned: frozenset[tuple[int, str]] = frozenset()
    """Stations, each with an epoch that came from another one too."""
    since: Mapping[int, datetime] = {}
    """By station, the earliest moment that its visits can be of."""
    doubt: Doubt | None = None
    """Of the ledger's own clock."""


NO_GROUNDS = Grounds()


class Visit(Struct, frozen=True, gc=False):
    """A stored visit event with its facts, still to be settled."""

    origin: Origin
    facts: VisitFacts
    stamp: Stamp


class Priced(Struct, frozen=True, gc=False):
    """What is settled, held and lowered of a visit, and the day it counts to."""

    word: Settlement
    counted: int
    day: date
    at: datetime


class Pricing:
    """Prices visits in their order, for each uses up some of what the next one finds in the `books`."""

    def __init__(self, books: Books, grounds: Grounds, zone: ZoneInfo) -> None:
        self.beyond: list[Beyond] = []
        self._books, self._grounds, self._zone = books, grounds, zone

    def price(
        self,
        visit: Visit,
        holder: Holder,
        moment: Moment,
        days: Sequence[date],
        mint_day: date,
        rules: AwardRules,
    ) -> Priced:
        """Price one visit on that of its possible days where it earns most."""
        books, station, provisional = self._books, visit.origin.station, visit.facts.provisional
        if moment.timed == "doubted":
            return _undated(visit, holder, moment, days[0], rules)
        back, tally, earned = _best(visit, holder, days, books, rules)
        minted = books.minted.get((station, mint_day), 0)
        word = settle(
            provisional,
            earned,
            bound=holder.household is not None,
            suspected=holder.suspected,
            mintable=books.mint_limits[station] - minted,
            doubt=self._doubt(visit.origin, moment, holder),
        )
        points, counted, day = word.settled + word.held, earned.counted, days[back]
        books.tallies[holder.earner, day] = Tally(tally.points + points, tally.deposits + counted)
        if word.held_by in OF_STATIONS:
            self.beyond.append(Beyond(station, points, word.held_by))
        else:
            books.minted[station, mint_day] = minted + points
        at = max(moment.earliest, moment.latest - timedelta(days=back)) if back else moment.latest
        return Priced(word, counted, day, at)

    def _doubt(self, origin: Origin, moment: Moment, holder: Holder) -> HeldBy | None:
        """Why the visit itself waits for a person, whatever its card is."""
        if (origin.station, origin.epoch) in self._grounds.cloned:
            return CLONED
        since = self._grounds.since.get(origin.station)
        if since is not None and moment.latest < since:
            return BACKDATED
        opened = holder.opened
        if opened is not None and moment.latest < opened and moment.latest < began(opened, self._zone):
            return BACKDATED
        return None


def _undated(visit: Visit, holder: Holder, moment: Moment, day: date, rules: AwardRules) -> Priced:
    """All that it can earn waits, and counts to no day and no limit until it is dated."""
    earned = award(visit.facts.deposits, STAFF if holder.staff else RESIDENT, rules, NOTHING)
    word = settle(visit.facts.provisional, earned, bound=True, doubt=LEDGER_CLOCK)
    return Priced(word, 0, day, moment.latest)


def _best(
    visit: Visit, holder: Holder, days: Sequence[date], books: Books, rules: AwardRules
) -> tuple[int, Tally, Award]:
    """Its possible day where it earns most, as the place in `days`; that day's tally, and the award."""
    role = STAFF if holder.staff else RESIDENT
    deposits, earner = visit.facts.deposits, holder.earner
    tally = books.tallies.get((earner, days[0]), NOTHING)
    best = 0, tally, award(deposits, role, rules, tally)
    for back in range(1, len(days)):
        tally = books.tallies.get((earner, days[back]), NOTHING)
        earned = award(deposits, role, rules, tally)
        if earned.points > best[2].points:
            best = back, tally, earned
    return best
