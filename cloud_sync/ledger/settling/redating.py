"""Date and settle visits that waited for the ledger's clock, once it is believed or a person says so.

These visits were received while the ledger could not know the day. Each is dated from its own journal, as
if received now, and earns what that day still allows: the day's caps, the station's limit and the card's
own waits apply as to any visit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from django.db.models import Max, Min, QuerySet

from cloud_sync.ledger.chain import records
from cloud_sync.ledger.intake import store
from cloud_sync.ledger.points import offsets
from cloud_sync.ledger.points.accounts import Accounts, accounts_of
from cloud_sync.ledger.points.models import Account, Card, Decision, Timed, VisitSettlement
from cloud_sync.ledger.points.posting import ChainEnd, Movement, Purpose, atomically, lock, origin_of, post
from cloud_sync.ledger.settling import plausible
from cloud_sync.ledger.settling.dating import Stamped, date_visits, local_days
from cloud_sync.ledger.settling.doubt import Doubt
from cloud_sync.ledger.settling.inputs import Holder, SettlementInputs, mint_limits_of, minted_on, tallies_of
from cloud_sync.ledger.settling.plausible import Heard
from cloud_sync.ledger.settling.pricing import Grounds, Priced, Pricing, Visit
from cloud_sync.ledger.settling.rules import known_rules
from cloud_sync.ledger.settling.settlement import MINT_DAYS_BACK, store_minted
from cloud_sync.ledger.settling.timing import FURTHEST_BACK, Moment
from cloud_sync.ledger.stations.models import Community, Event, Station
from cloud_sync.rules.award_rules import HeldBy, LoweredBy, Settlement
from cloud_sync.wire.envelope import decode_event
from cloud_sync.wire.facts import VisitFacts

AT_ONCE = 200
"""Visits dated in one transaction, so that settling never waits long for the lock."""
NEIGHBOURS = 50
"""Events before and after them in the journal that may help to date them."""
FAR = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Dated:
    """How many visits were dated, and the points that residents were given for them."""

    visits: int = 0
    given: int = 0

    def __add__(self, other: Dated) -> Dated:
        return Dated(self.visits + other.visits, self.given + other.given)

    def __bool__(self) -> bool:
        return self.visits > 0


def date_all(community: Community, now: datetime) -> Dated:
    """Date every visit of a community that waits for the ledger's clock; `now` must be believed."""
    waiting = _waiting(community).order_by().values_list("event__station", flat=True).distinct()
    total = Dated()
    for station in Station.objects.select_related("community").filter(pk__in=list(waiting)).order_by("pk"):
        total += date_station(station, now)
    return total


def date_station(station: Station, now: datetime) -> Dated:
    """Date every visit of a station that waits for the ledger's clock; `now` must be believed."""
    total = Dated()
    while some := _date_some(station, now):
        total += some
    return total


def date_by_hand(end: ChainEnd, row: VisitSettlement, decision: Decision, now: datetime) -> int:
    """Settle one visit on the day that its station states, because a person decided so.

    Return the points given. Call it within a transaction that holds the lock. What the day does not give
    stays lowered; the points of an unknown card go on waiting for that card only.
    """
    trusting = Doubt(now, FAR)
    station = Station.objects.select_related("community").get(pk=row.event.station_id)
    return _date(end, station, [row], now, Grounds(doubt=trusting), decision).given


@atomically
def _date_some(station: Station, now: datetime) -> Dated:
    store.lock([station.pk])
    end = lock(station.community)
    here = Station.objects.select_related("community").get(pk=station.pk)
    rows = list(_waiting(here.community).filter(event__station=here).order_by("event_id")[:AT_ONCE])
    if not rows:
        return Dated()
    zone = ZoneInfo(here.community.timezone)
    heard = Heard(here.admitted_at, here.received_on, here.newest_at, here.newest_before_at)
    since = plausible.earliest(heard, now, zone, doubted=True)  # how old they were when they came is unknown
    stands = store.stands({(here.pk, row.event.epoch) for row in rows})
    cloned = frozenset(name for name, stand in stands.items() if stand.cloned)
    grounds = Grounds(cloned, {} if since is None else {here.pk: since})
    return _date(end, here, rows, now, grounds)


def is_waiting(station: Station) -> bool:
    """Return whether a visit of this station waits for the ledger's clock."""
    return _waiting(station.community).filter(event__station=station).exists()


def _waiting(community: Community) -> QuerySet[VisitSettlement]:
    rows = VisitSettlement.objects.filter(community=community, timed=Timed.DOUBTED, withdrawn=0)
    return rows.select_related("event", "household")


def _date(
    end: ChainEnd,
    station: Station,
    rows: Sequence[VisitSettlement],
    now: datetime,
    grounds: Grounds,
    decision: Decision | None = None,
) -> Dated:
    readable = [row for row in rows if row.event.body]
    inputs = _inputs(end.community, station)
    changes = {row.pk: _erased(row) for row in rows if not row.event.body}
    changes |= _price(end.community, inputs, readable, _Dating(station, now, grounds, decision is not None))
    households = {row.household_id for row in rows if row.household_id is not None}
    accounts = accounts_of(end.community, households)
    moves = [move for row in rows for move in _movements(accounts, row, changes[row.pk], decision)]
    with_debts, payments = offsets.with_offsets(moves, offsets.open_debts(households), accounts.issuing)
    after = end.position
    post(end, with_debts, now)
    offsets.store(payments)
    for row in rows:
        _write(row, changes[row.pk], now, end.ran_s)
    by_key = {row.pk: row for row in rows}
    noted = [_columns(by_key[key]) for key in changes]  # in the order of pricing
    records.note_dated(end.community.pk, noted, store_minted(inputs), after, now)
    return Dated(len(rows), sum(move.points for move in moves if move.purpose is Purpose.RELEASE))


class Redated(NamedTuple):
    """The new price of a visit, and how it was timed."""

    priced: Priced
    timed: str


class _Dating(NamedTuple):
    """How visits of one station are dated; a person's decision ends every wait except for a card."""

    station: Station
    now: datetime
    grounds: Grounds
    is_decided: bool


def _inputs(community: Community, station: Station) -> SettlementInputs:
    return SettlementInputs(accounts_of(community), {}, {}, {}, {}, mint_limits_of([station]))


def _price(
    community: Community, inputs: SettlementInputs, rows: Sequence[VisitSettlement], dating: _Dating
) -> dict[int, Redated]:
    """Price visits again from their events, each on its day, and update `inputs`.

    Visits whose day is sure come first: a visit with several possible days takes what they leave.
    """
    if not rows:
        return {}
    zone = ZoneInfo(community.timezone)
    visits = [_visit(row) for row in rows]
    times = _moments(rows, visits, dating)
    days = [local_days(moment, zone) for moment in times]
    oldest = dating.now.astimezone(zone).date() - MINT_DAYS_BACK
    mint_days = [max(some[0], oldest) for some in days]
    holders = _holders(community, rows, is_decided=dating.is_decided)
    earners = [holders[row.pk].earner for row in rows]
    inputs.tallies.update(
        tallies_of(community, {(one, day) for one, some in zip(earners, days, strict=True) for day in some})
    )
    inputs.minted.update(minted_on({(dating.station.pk, day) for day in mint_days}))
    if dating.is_decided:
        inputs.mint_limits[dating.station.pk] = sum(
            [row.provisional for row in rows], sum(inputs.minted.values())
        )
    rules = known_rules(community, {visit.facts.rules for visit in visits})
    pricing = Pricing(inputs, msgspec.structs.replace(dating.grounds, doubt=None), zone)
    return {
        row.pk: Redated(
            pricing.price(visit, holders[row.pk], moment, some, mint_day, rules[visit.facts.rules]),
            moment.timed,
        )
        for row, visit, moment, some, mint_day in sorted(
            zip(rows, visits, times, days, mint_days, strict=True),
            key=lambda one: (one[2].timed == "bounded", one[0].pk),
        )
    }


def _moments(rows: Sequence[VisitSettlement], visits: Sequence[Visit], dating: _Dating) -> list[Moment]:
    """Date each visit by its neighbours in the journal, including those received since."""
    around = {visit.origin.event: (visit.origin, visit.stamp) for visit in visits}
    around |= {origin.event: (origin, stamp) for origin, stamp in _neighbours(dating.station, visits)}
    ordered = sorted(around.values(), key=lambda one: (one[0].epoch, one[0].sequence))
    came_since = dating.now - FURTHEST_BACK
    found = date_visits(ordered, dating.now, dating.grounds.doubt, dating.grounds.since, came_since)
    by_event = {origin.event: moment for (origin, _), moment in zip(ordered, found, strict=True)}
    return [_or_as_shown(by_event[row.pk], row) for row in rows]


def _or_as_shown(moment: Moment, row: VisitSettlement) -> Moment:
    """Use the time in the visit's row if nothing else dates it (a person released it)."""
    return Moment(row.happened_at, row.happened_at, "bounded") if moment.timed == "doubted" else moment


def _neighbours(station: Station, visits: Sequence[Visit]) -> Iterator[Stamped]:
    """Yield events near these visits in the same journals, with their stamps."""
    here = Event.objects.filter(pk__in=[visit.origin.event for visit in visits])
    spans = here.order_by().values("epoch").annotate(first=Min("sequence"), last=Max("sequence"))
    for span in spans:
        rows = Event.objects.filter(
            station=station,
            epoch=span["epoch"],
            sequence__gte=span["first"] - NEIGHBOURS,
            sequence__lte=span["last"] + NEIGHBOURS,
        )
        for row in rows.order_by("sequence")[: AT_ONCE + 2 * NEIGHBOURS]:
            try:
                yield origin_of(row), decode_event(bytes(row.body)).stamp
            except msgspec.DecodeError:
                continue  # erased or set aside: it has no stamp


def _visit(row: VisitSettlement) -> Visit:
    event = decode_event(bytes(row.event.body))
    if not isinstance(event.facts, VisitFacts):
        raise TypeError(f"event {row.pk} was settled as a visit and is none")
    return Visit(origin_of(row.event), event.facts, event.stamp)


def _holders(
    community: Community, rows: Sequence[VisitSettlement], *, is_decided: bool
) -> Mapping[int, Holder]:
    """Return each visit's holder by event: the household noted then, not the one that has the card now."""
    households = {row.household_id for row in rows if row.household_id is not None}
    accounts = {one.household_id: one for one in Account.objects.filter(household__in=households)}
    hashes = {row.card_hash for row in rows}
    suspected = set(
        Card.objects.filter(community=community, hash__in=hashes, suspected_at__isnull=False).values_list(
            "hash", flat=True
        )
    )
    found = {}
    for row in rows:
        account = accounts.get(row.household_id)
        found[row.pk] = Holder(
            row.card_hash,
            row.household_id,
            None if account is None else account.pk,
            row.lowered_by == LoweredBy.STAFF,
            row.card_hash in suspected and not is_decided,
            row.card_hash if row.household_id is None else row.household_id,
            None if account is None or is_decided else account.opened_at,
        )
    return found


def _erased(row: VisitSettlement) -> Redated:
    """Leave the points of an erased visit to a person: without its facts it cannot be priced again."""
    lowered_by = LoweredBy(row.lowered_by) if row.lowered_by else None
    word = Settlement(0, row.held, row.lowered, lowered_by, HeldBy.BACKDATED if row.held else None)
    return Redated(Priced(word, 0, row.local_day, row.happened_at), Timed.BOUNDED.value)


def _movements(
    accounts: Accounts, row: VisitSettlement, found: Redated, decision: Decision | None
) -> Iterator[Movement]:
    """Yield the transfers: points given now, and points returned because the day does not allow them."""
    word, origin = found.priced.word, origin_of(row.event)
    if word.settled and row.household_id is not None:
        yield Movement(
            origin,
            Purpose.RELEASE,
            accounts.suspense,
            accounts.household[row.household_id],
            word.settled,
            household=row.household_id,
            decision=decision,
        )
    if back := row.held - word.settled - word.held:
        yield Movement(origin, Purpose.LOWER, accounts.suspense, accounts.issuing, back, decision=decision)


def _write(row: VisitSettlement, found: Redated, now: datetime, ran_s: int) -> None:
    priced, word = found.priced, found.priced.word
    row.happened_at, row.local_day, row.timed = priced.at, priced.day, found.timed
    row.settled, row.held, row.lowered = word.settled, word.held, word.lowered
    row.counted = priced.counted
    row.lowered_by = word.lowered_by.value if word.lowered_by else ""
    row.held_by = word.held_by.value if word.held_by else ""
    row.held_since = now if word.held else None
    row.held_at_s = ran_s
    row.save()


def _columns(row: VisitSettlement) -> dict[str, object]:
    fields = row._meta.concrete_fields  # noqa: SLF001 (Django's documented name)
    values = {field.attname: getattr(row, field.attname) for field in fields}
    return values | {"local_day": row.local_day.isoformat()}
