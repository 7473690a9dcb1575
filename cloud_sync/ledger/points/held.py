"""Held points: given when their wait ends well, returned to issuing otherwise.

- An unknown card's points wait up to UNBOUND for a household; a card bound later still gets them.
- A suspected card's points wait up to SUSPECTED for a person, and then go to the resident.
- Points held for a reason that concerns their station wait for a person.
- Points of visits that only the ledger's clock could date wait until it is believed again
  (`settling.redating`), or for a person.

A wait must have lasted by the calendar and by the workers' running time (`clock`): a wrong clock ends none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from cloud_sync.ledger.audit.write import note
from cloud_sync.ledger.chain import records
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points import offsets
from cloud_sync.ledger.points.accounts import accounts_of
from cloud_sync.ledger.points.decisions import decide
from cloud_sync.ledger.points.models import (
    Card,
    Decision,
    Household,
    Transfer,
    VisitSettlement,
    Withdrawn,
)
from cloud_sync.ledger.points.posting import ChainEnd, Movement, Purpose, atomically, lock, origin_of, post
from cloud_sync.ledger.settling.redating import date_by_hand
from cloud_sync.ledger.stations.models import Community
from cloud_sync.rules.award_rules import HeldBy
from config.errors import InputError

UNBOUND = timedelta(days=90)
SUSPECTED = timedelta(days=7)
AT_ONCE = 500
"""Visits that one transaction of `expire` takes, so that settling never waits long for the lock."""


@dataclass(frozen=True, slots=True)
class Expired:
    """The points of waits that ended: given to residents, and returned to issuing."""

    given: int = 0
    returned: int = 0

    def __add__(self, other: Expired) -> Expired:
        return Expired(self.given + other.given, self.returned + other.returned)

    def __bool__(self) -> bool:
        return bool(self.given or self.returned)


def release_card(end: ChainEnd, household: Household, card: Card, now: datetime) -> int:
    """Give a household the visits and held points of a card just bound to it; return the points given.

    Points that were returned because nobody bound the card are given, too. A suspected card's points go on
    waiting, now for a person; what was returned is given once the card is cleared. Call it within a
    transaction that holds the lock.
    """
    found = VisitSettlement.objects.filter(community=household.community, card_hash=card.hash, household=None)
    rows = list(found.select_related("event"))
    found.update(household=household)
    for row in rows:
        row.household = household
    waited = [row for row in rows if row.held_by == HeldBy.UNKNOWN_CARD]
    if card.suspected_at is not None:
        _wait_on(end, waited, HeldBy.CHEATING, now)
        return 0
    return _give(end, waited, now) + restore(end, card, now)


def restore(end: ChainEnd, card: Card, now: datetime) -> int:
    """Give a household the points that were returned because its card was not bound; return them.

    The new transfers name the returns that they reverse. Call it within a transaction that holds the lock.
    """
    found = VisitSettlement.objects.filter(
        community=end.community, card_hash=card.hash, household=card.household, withdrawn_by=Withdrawn.EXPIRED
    )
    rows = list(found.select_related("event"))
    events = [row.event_id for row in rows]
    returns = {row.event_id: row for row in Transfer.objects.filter(event__in=events, purpose=Purpose.RETURN)}
    given = _pay_out(end, rows, Purpose.RESTORE, now, returns=returns)
    _these(rows).update(
        settled=F("settled") + F("withdrawn"),
        lowered=F("lowered") - F("withdrawn"),
        withdrawn=0,
        withdrawn_by="",
    )
    return given


@atomically
def release(settlement: VisitSettlement, by: str, reason: str, now: datetime) -> int:
    """Give a visit's held points to its resident, as a person decided; return the points given now.

    An unknown card's visit has no resident yet: once a person cleared it, it waits for its card only.
    InputError if nothing is held, or if only the card's household is missing.
    """
    end = lock(settlement.community)
    row = _held(settlement)
    if row.household_id is None and row.held_by == HeldBy.UNKNOWN_CARD:
        raise InputError(f"the card of visit {row.event} has no household", "bind it to a household")
    decision = decide(row.community, by, reason, now)
    _note(row, by, reason, now, is_given=True)
    if row.held_by == HeldBy.LEDGER_CLOCK:
        return date_by_hand(end, row, decision, now)
    if row.household_id is None:
        _wait_on(end, [row], HeldBy.UNKNOWN_CARD, now)
        return 0
    return _give(end, [row], now, decision)


@atomically
def refuse(settlement: VisitSettlement, by: str, reason: str, now: datetime) -> int:
    """Return a visit's held points to issuing, as a person decided. InputError if nothing is held."""
    end = lock(settlement.community)
    row = _held(settlement)
    decision = decide(row.community, by, reason, now)
    _note(row, by, reason, now, is_given=False)
    return _withdraw(end, [row], Withdrawn.REFUSED, now, decision)


def _note(row: VisitSettlement, by: str, reason: str, now: datetime, *, is_given: bool) -> None:
    before, after = {"held": row.held, "held_by": row.held_by}, {"given": is_given}
    note(Deed.DECIDE_HELD, row, before=before, after=after, by=by, reason=reason, now=now)


def expire(community: Community, now: datetime) -> Expired:
    """End every wait that has reached its limit."""
    total = Expired()
    while some := _expire_some(community, now):
        total += some
    return total


@atomically
def _expire_some(community: Community, now: datetime) -> Expired:
    end = lock(community)
    waiting = VisitSettlement.objects.filter(community=community).select_related("event", "community")
    unbound = waiting.filter(_over(end, UNBOUND, now), held_by=HeldBy.UNKNOWN_CARD)
    suspected = waiting.filter(_over(end, SUSPECTED, now), held_by=HeldBy.CHEATING)
    cleared = list(suspected.order_by("held_since", "pk")[:AT_ONCE])
    _wait_on(end, [row for row in cleared if row.household_id is None], HeldBy.UNKNOWN_CARD, now)
    given = _give(end, [row for row in cleared if row.household_id is not None], now)
    returned = _withdraw(end, list(unbound.order_by("held_since", "pk")[:AT_ONCE]), Withdrawn.EXPIRED, now)
    return Expired(given, returned)


def _over(end: ChainEnd, longest: timedelta, now: datetime) -> Q:
    """Return the condition for a wait that lasted `longest` by both clocks."""
    return Q(held_since__lte=now - longest, held_at_s__lte=end.ran_s - int(longest.total_seconds()))


def _held(settlement: VisitSettlement) -> VisitSettlement:
    """Return the settlement as it is under the lock; InputError unless it holds points."""
    row = VisitSettlement.objects.select_related("event", "community").get(pk=settlement.pk)
    if not row.held:
        raise InputError(f"visit {row.event} holds no points", "choose a visit that waits")
    return row


def _give(
    end: ChainEnd, rows: Sequence[VisitSettlement], now: datetime, decision: Decision | None = None
) -> int:
    given = _pay_out(end, rows, Purpose.RELEASE, now, decision=decision)
    _these(rows).update(settled=F("settled") + F("held"), held=0, held_by="", held_since=None)
    return given


def _pay_out(
    end: ChainEnd,
    rows: Sequence[VisitSettlement],
    purpose: Purpose,
    now: datetime,
    *,
    decision: Decision | None = None,
    returns: Mapping[int, Transfer] | None = None,
) -> int:
    """Give households what these visits hold, or what `returns` took from them; return the points."""
    households = {row.household_id for row in rows if row.household_id is not None}
    accounts = accounts_of(end.community, households)
    gifts = [
        Movement(
            origin_of(row.event),
            purpose,
            accounts.suspense if returns is None else accounts.issuing,
            accounts.household[row.household_id],
            row.held if returns is None else row.withdrawn,
            household=row.household_id,
            reverses=None if returns is None else returns[row.event_id],
            decision=decision,
        )
        for row in rows
        if row.household_id is not None
    ]
    moves, payments = offsets.with_offsets(gifts, offsets.open_debts(households), accounts.issuing)
    post(end, moves, now)
    offsets.store(payments)
    return sum(gift.points for gift in gifts)


def _withdraw(
    end: ChainEnd,
    rows: Sequence[VisitSettlement],
    why: Withdrawn,
    now: datetime,
    decision: Decision | None = None,
) -> int:
    own = accounts_of(end.community)
    moves = [
        Movement(
            origin_of(row.event),
            Purpose.RETURN,
            own.suspense,
            own.issuing,
            row.held,
            household=row.household_id,
            decision=decision,
        )
        for row in rows
    ]
    post(end, moves, now)
    _these(rows).update(
        lowered=F("lowered") + F("held"),
        withdrawn=F("held"),
        withdrawn_by=why,
        held=0,
        held_by="",
        held_since=None,
    )
    records.note_waits(end.community.pk, [row.pk for row in rows], now)
    return sum(move.points for move in moves)


def _wait_on(end: ChainEnd, rows: Sequence[VisitSettlement], why: HeldBy, now: datetime) -> None:
    _these(rows).update(held_by=why, held_since=now, held_at_s=end.ran_s)
    records.note_waits(end.community.pk, [row.pk for row in rows], now)


def _these(rows: Sequence[VisitSettlement]) -> QuerySet[VisitSettlement]:
    return VisitSettlement.objects.filter(pk__in=[row.pk for row in rows])
