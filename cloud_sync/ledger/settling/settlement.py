"""Settling visits: the rules' word on each, its transfers, and its row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from cloud_sync.ledger.chain import records
from cloud_sync.ledger.db import sql
from cloud_sync.ledger.points import offsets
from cloud_sync.ledger.points.models import VisitSettlement
from cloud_sync.ledger.points.posting import ChainEnd, Movement, Origin, Purpose, lock, post
from cloud_sync.ledger.settling.inputs import Books, Holder, open_books
from cloud_sync.ledger.settling.plausible import began
from cloud_sync.ledger.settling.timing import Moment, Written, moments, stated
from cloud_sync.ledger.stations.models import Community, Station
from cloud_sync.rules.award_rules import Award, AwardRules, HeldBy, Settlement, Tally, award, settle
from cloud_sync.wire.facts import Role, Stamp, VisitFacts

MINT_DAYS_BACK = timedelta(days=31)
"""Older visits count to the mint limit of this day, so that a stolen key cannot spread over the calendar."""

NOTHING = Tally()
# Finding a member in its enum costs as much as the comparison it is for.
STAFF, RESIDENT = Role.STAFF, Role.RESIDENT
CLONED, BACKDATED = HeldBy.CLONED, HeldBy.BACKDATED
OF_STATIONS = (HeldBy.MINT_LIMIT, CLONED, BACKDATED)
"""Reasons that say something of the station, and count to no limit until a person has decided."""
AWARD, HOLD = Purpose.AWARD, Purpose.HOLD

SETTLEMENTS = sql.Table(
    "points_visitsettlement",
    {
        "event_id": "bigint",
        "community_id": "bigint",
        "card_hash": "text",
        "household_id": "bigint",
        "happened_at": "timestamptz",
        "local_day": "date",
        "provisional": "bigint",
        "settled": "bigint",
        "held": "bigint",
        "lowered": "bigint",
        "lowered_by": "text",
        "held_by": "text",
        "counted": "integer",
        "timed": "text",
        "held_since": "timestamptz",
        "withdrawn": "bigint",
        "withdrawn_by": "text",
        "held_at_s": "bigint",
    },
)
MINTED = sql.Table(
    "points_minted",
    {"station_id": "bigint", "day": "date", "points": "bigint"},
    conflict="ON CONFLICT (station_id, day) DO UPDATE SET points = excluded.points",
)


class Beyond(Struct, frozen=True, gc=False):
    """A station, by its primary key, and points of a visit that wait for what says something of it."""

    station: int
    points: int
    why: HeldBy


class Grounds(Struct, frozen=True):
    """What makes visits wait for a person before anything is said of their card."""

    cloned: frozenset[tuple[int, str]] = frozenset()
    """Stations, each with an epoch that came from another one too."""
    since: Mapping[int, datetime] = {}
    """By station, the earliest moment that its visits can be of."""


NO_GROUNDS = Grounds()


class Visit(Struct, frozen=True, gc=False):
    """A stored visit event with its facts, still to be settled."""

    origin: Origin
    facts: VisitFacts
    stamp: Stamp


def settle_visits(  # noqa: PLR0913 (two of them have a default that fits)
    community: Community,
    stations: Mapping[int, Station],
    visits: Sequence[Visit],
    rules: Mapping[int, AwardRules],
    now: datetime,
    grounds: Grounds = NO_GROUNDS,
    *,
    came: datetime | None = None,
) -> list[Beyond]:
    """Settle visits at these stations of one community in their order; those that wait for its station.

    Within the transaction that stored their events; `came` says when they were received, if that was
    before `now`.
    """
    received = came or now
    zone = ZoneInfo(community.timezone)
    end = lock(community)
    times = [
        _not_before(moment, grounds.since.get(visit.origin.station))
        for visit, moment in zip(visits, _moments(visits, received), strict=True)
    ]
    days = [_days(moment, zone) for moment in times]
    oldest = received.astimezone(zone).date() - MINT_DAYS_BACK
    mint_days = [max(some[0], oldest) for some in days]
    minting = {(visit.origin.station, day) for visit, day in zip(visits, mint_days, strict=True)}
    wanted = {(visit.facts.card, day) for visit, some in zip(visits, days, strict=True) for day in some}
    books = open_books(community, stations.values(), wanted, minting)
    settling = _Settling(end, books, grounds, now)
    for visit, moment, some, mint_day in zip(visits, times, days, mint_days, strict=True):
        settling.take(visit, moment, some, mint_day, rules[visit.facts.rules])
    sql.insert(SETTLEMENTS, settling.rows)
    moves, payments = offsets.with_offsets(settling.given, books.debts, books.own.issuing)
    post(end, moves, now)
    offsets.store(payments)
    minted = [(station, day.isoformat(), points) for (station, day), points in sorted(books.minted.items())]
    sql.insert(MINTED, minted)
    columns = tuple(SETTLEMENTS.columns)
    settled = [dict(zip(columns, row, strict=True)) for row in settling.rows]
    records.note_settled(community.pk, settled, minted, received, now)
    return settling.beyond


def _moments(visits: Sequence[Visit], now: datetime) -> list[Moment]:
    """When each visit was; one whose time is not sure is judged among those of its own station."""
    times = [stated(visit.stamp, now) for visit in visits]
    sure = [moment for moment in times if moment is not None]
    if len(sure) == len(visits):
        return sure
    unsure = {visit.origin.station for visit, at in zip(visits, times, strict=True) if at is None}
    for station in unsure:
        its = [place for place, visit in enumerate(visits) if visit.origin.station == station]
        found = _moments_of(station, [visits[place] for place in its], now)
        for place, moment in zip(its, found, strict=True):
            times[place] = moment
    return [moment for moment in times if moment is not None]


def _moments_of(station: int, visits: Sequence[Visit], now: datetime) -> list[Moment]:
    batch = [Written(visit.origin.epoch, visit.origin.sequence, visit.stamp) for visit in visits]
    times = moments(batch, now)
    unsure = {item.epoch for item, moment in zip(batch, times, strict=True) if moment.timed == "bounded"}
    if not unsure:
        return times
    before = {epoch: at for epoch in unsure if (at := _last_before(station, epoch, batch)) is not None}
    return moments(batch, now, before)


def _not_before(moment: Moment, since: datetime | None) -> Moment:
    """A visit of unknown time was not before it can have been."""
    if since is None or moment.timed != "bounded" or moment.earliest >= since:
        return moment
    return Moment(min(moment.latest, since), moment.latest, moment.timed)


def _last_before(station: int, epoch: str, batch: Sequence[Written]) -> datetime | None:
    """When the visit was that stands before this batch's first one in its journal, as far as that is sure."""
    first = min(item.sequence for item in batch if item.epoch == epoch)
    rows = VisitSettlement.objects.filter(
        event__station=station, event__epoch=epoch, event__sequence__lt=first
    ).exclude(timed="bounded")
    return rows.order_by("-event__sequence").values_list("happened_at", flat=True).first()


def _days(moment: Moment, zone: ZoneInfo) -> list[date]:
    """The local days on which it may have been, the latest first."""
    last = moment.latest.astimezone(zone).date()
    if moment.timed != "bounded":
        return [last]
    apart = (last - moment.earliest.astimezone(zone).date()).days
    return [last - timedelta(days=back) for back in range(apart + 1)]


class _Settling:
    """Settles visits one after the other, for each uses up some of what the next one finds."""

    def __init__(self, end: ChainEnd, books: Books, grounds: Grounds, now: datetime) -> None:
        self.rows: list[sql.Row] = []
        self.given: list[Movement] = []
        self.beyond: list[Beyond] = []
        community = end.community
        self._community: int = community.pk
        self._books, self._grounds = books, grounds
        self._zone, self._ran_s = ZoneInfo(community.timezone), end.ran_s
        self._keep = sql.keeper()
        self._now = self._keep(now)

    def take(
        self, visit: Visit, moment: Moment, days: Sequence[date], mint_day: date, rules: AwardRules
    ) -> None:
        """Settle one on that of its possible days where it earns most."""
        books, station, provisional = self._books, visit.origin.station, visit.facts.provisional
        holder = books.holders[visit.facts.card]
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
        self.rows.append(
            (
                visit.origin.event,
                self._community,
                holder.hash,
                holder.household,
                self._keep(at),
                day.isoformat(),
                provisional,
                word.settled,
                word.held,
                word.lowered,
                word.lowered_by.value if word.lowered_by else "",
                word.held_by.value if word.held_by else "",
                counted,
                moment.timed,
                self._now if word.held else None,
                0,
                "",
                self._ran_s,
            )
        )
        if points:
            self.given.append(_movement(visit.origin, holder, word, books))

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


def _movement(origin: Origin, holder: Holder, word: Settlement, books: Books) -> Movement:
    if word.settled and holder.account is not None:
        return Movement(origin, AWARD, books.own.issuing, holder.account, word.settled)
    return Movement(origin, HOLD, books.own.issuing, books.own.suspense, word.held)
