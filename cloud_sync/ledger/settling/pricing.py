"""Price visits one after the other: apply the rules to each, and choose the day that it counts to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from cloud_sync.ledger.points.posting import Origin
from cloud_sync.ledger.settling.doubt import Doubt
from cloud_sync.ledger.settling.inputs import Holder, SettlementInputs
from cloud_sync.ledger.settling.plausible import began
from cloud_sync.ledger.settling.timing import Moment
from cloud_sync.rules.award_rules import Award, AwardRules, HeldBy, Settlement, Tally, award, settle
from cloud_sync.wire.facts import Role, Stamp, VisitFacts

NOTHING = Tally()
# Looking up an enum member costs as much as the comparison itself.
STAFF, RESIDENT = Role.STAFF, Role.RESIDENT
CLONED, BACKDATED, LEDGER_CLOCK = HeldBy.CLONED, HeldBy.BACKDATED, HeldBy.LEDGER_CLOCK
OF_STATIONS = (HeldBy.MINT_LIMIT, CLONED, BACKDATED)
"""Reasons that concern the station; such points count to no limit until a person has decided."""


class Beyond(Struct, frozen=True, gc=False):
    """Points of a visit that wait for a reason in OF_STATIONS, with the station's primary key."""

    station: int
    points: int
    why: HeldBy


class Grounds(Struct, frozen=True):
    """Reasons for visits to wait, whatever their card is."""

    cloned: frozenset[tuple[int, str]] = frozenset()
    """Stations, each with an epoch that another station sent too."""
    since: Mapping[int, datetime] = {}
    """The earliest possible moment of a visit, by station."""
    doubt: Doubt | None = None
    """Doubt about the ledger's own clock."""


NO_GROUNDS = Grounds()


class Visit(Struct, frozen=True, gc=False):
    """A stored visit event with its facts, not yet settled."""

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
    """Prices visits in their order: each one updates the tallies and limits in `inputs` for the next."""

    def __init__(self, inputs: SettlementInputs, grounds: Grounds, zone: ZoneInfo) -> None:
        self.beyond: list[Beyond] = []
        self._inputs, self._grounds, self._zone = inputs, grounds, zone

    def price(
        self,
        visit: Visit,
        holder: Holder,
        moment: Moment,
        days: Sequence[date],
        mint_day: date,
        rules: AwardRules,
    ) -> Priced:
        """Price one visit on the possible day where it earns most."""
        inputs, station, provisional = self._inputs, visit.origin.station, visit.facts.provisional
        if moment.timed == "doubted":
            return _undated(visit, holder, moment, days[0], rules)
        back, tally, earned = _best(visit, holder, days, inputs, rules)
        minted = inputs.minted.get((station, mint_day), 0)
        word = settle(
            provisional,
            earned,
            bound=holder.household is not None,
            suspected=holder.suspected,
            mintable=inputs.mint_limits[station] - minted,
            doubt=self._doubt(visit.origin, moment, holder),
        )
        points, counted, day = word.settled + word.held, earned.counted, days[back]
        inputs.tallies[holder.earner, day] = Tally(tally.points + points, tally.deposits + counted)
        if word.held_by in OF_STATIONS:
            self.beyond.append(Beyond(station, points, word.held_by))
        else:
            inputs.minted[station, mint_day] = minted + points
        at = max(moment.earliest, moment.latest - timedelta(days=back)) if back else moment.latest
        return Priced(word, counted, day, at)

    def _doubt(self, origin: Origin, moment: Moment, holder: Holder) -> HeldBy | None:
        """Return why the visit itself waits for a person, whatever its card is."""
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
    """Hold everything that the visit can earn; it counts to no day and no limit until it is dated."""
    earned = award(visit.facts.deposits, STAFF if holder.staff else RESIDENT, rules, NOTHING)
    word = settle(visit.facts.provisional, earned, bound=True, doubt=LEDGER_CLOCK)
    return Priced(word, 0, day, moment.latest)


def _best(
    visit: Visit, holder: Holder, days: Sequence[date], inputs: SettlementInputs, rules: AwardRules
) -> tuple[int, Tally, Award]:
    """Return the index in `days` where the visit earns most, that day's tally, and the award."""
    role = STAFF if holder.staff else RESIDENT
    deposits, earner = visit.facts.deposits, holder.earner
    tally = inputs.tallies.get((earner, days[0]), NOTHING)
    best = 0, tally, award(deposits, role, rules, tally)
    for back in range(1, len(days)):
        tally = inputs.tallies.get((earner, days[back]), NOTHING)
        earned = award(deposits, role, rules, tally)
        if earned.points > best[2].points:
            best = back, tally, earned
    return best
