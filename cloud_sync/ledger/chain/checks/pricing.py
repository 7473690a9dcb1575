"""Price each visit's facts again: nobody may get more than they earn by the rules that the visit names.

The day's caps are applied only to what is certain of that day: earlier visits given to the same household,
and visits of the same card. So an honest ledger is never accused, no matter when cards were bound.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

import msgspec

from cloud_sync.ledger.chain.checks.register import Register
from cloud_sync.ledger.db import sql
from cloud_sync.ledger.points.models import Timed
from cloud_sync.ledger.settling.rules import known_rules
from cloud_sync.ledger.stations.models import Community
from cloud_sync.rules.award_rules import AwardRules, LoweredBy, Tally, award
from cloud_sync.wire.envelope import decode_event
from cloud_sync.wire.facts import Role, VisitFacts

CLOSE = timedelta(milliseconds=1)
"""Rounding of seconds stored as a float."""
A_DAY = timedelta(days=1)

_VISITS = (
    "SELECT s.event_id, s.household_id, s.card_hash, CAST(s.local_day AS TEXT), "
    "CAST(s.happened_at AS TEXT), s.timed, s.provisional, s.settled + s.held + s.withdrawn, s.lowered_by, "
    "s.counted, e.kind, e.state, e.body, t.purpose, COALESCE(t.position, 0), "
    "EXISTS (SELECT 1 FROM points_transfer r WHERE r.event_id = s.event_id AND r.purpose = 'return') "
    "FROM points_visitsettlement s JOIN stations_event e ON e.id = s.event_id "
    "LEFT JOIN points_transfer t ON t.event_id = s.event_id AND t.purpose IN ('award', 'hold') "
    "WHERE s.community_id = %s ORDER BY s.household_id, "
    "CASE WHEN s.household_id IS NULL THEN s.card_hash ELSE '' END, s.local_day, t.position, s.event_id"
)


class _Visit(msgspec.Struct, frozen=True):
    """A settled visit with its first transfer."""

    event: int
    household: int | None
    card: str
    day: str
    happened_at: str
    timed: str
    provisional: int
    due: int
    lowered_by: str
    counted: int
    kind: str
    state: str
    body: bytes
    purpose: str | None
    position: int
    """Position of that transfer; 0 if there is none."""
    returned: bool

    @property
    def earner(self) -> tuple[object, str]:
        """The household or card, and the day, that the visit counts to."""
        return (self.card if self.household is None else self.household), self.day


def problems(community: Community, register: Register) -> Iterator[str]:
    """Yield a line for each visit that differs from its facts, or got more than they earn."""
    rules = known_rules(community, [version for (version,) in _versions(community)])
    cards: dict[str, int] = dict(
        sql.execute("SELECT hash, id FROM points_card WHERE community_id = %s", [community.pk])
    )
    rows = (_visit(row) for row in sql.stream(_VISITS, [community.pk]))
    readable = (row for row in rows if isinstance(row, _Visit))
    for _, visits in groupby(readable, key=lambda visit: visit.earner):
        yield from _Day(register, rules, cards).problems(visits)


def _versions(community: Community) -> list[sql.Row]:
    return sql.execute("SELECT version FROM points_rules WHERE community_id = %s", [community.pk])


def _visit(row: sql.Row) -> _Visit | None:
    """Read a row as a visit; None if its types are wrong (`row_types` reports those)."""
    plain = (bytes(value) if isinstance(value, memoryview) else value for value in row)
    try:
        return msgspec.convert(
            dict(zip(_Visit.__struct_fields__, (*plain,), strict=True)) | {"returned": bool(row[-1])}, _Visit
        )
    except (msgspec.ValidationError, TypeError, ValueError):
        return None


class _Day:
    """One earner's day, visit after visit in the order of settling."""

    def __init__(self, register: Register, rules: Mapping[int, AwardRules], cards: Mapping[str, int]) -> None:
        self._register, self._rules, self._cards = register, rules, cards
        self._given = Tally()
        self._points: Counter[str] = Counter()
        self._deposits: Counter[str] = Counter()

    def problems(self, visits: Iterable[_Visit]) -> Iterator[str]:
        """Yield a line for each visit that is wrong."""
        for visit in sorted(visits, key=self._place):
            if what := self._wrong(visit):
                yield f"the settlement of event {visit.event}: {what}"
            self._count(visit)

    def _place(self, visit: _Visit) -> tuple[int, bool, int]:
        """Return the order of pricing: a visit dated again comes after the last transfer before that."""
        dated = self._register.dated.get(visit.event)
        return (visit.position, False, visit.event) if dated is None else (dated[0], True, dated[1])

    def _wrong(self, visit: _Visit) -> str | None:
        if visit.card in self._register.pseudonyms:
            return None if not visit.body else "it was erased, and its event was not"
        try:
            event = decode_event(visit.body)
        except msgspec.DecodeError as error:
            return f"its event cannot be read ({error})"
        facts = event.facts
        if not isinstance(facts, VisitFacts) or (visit.kind, visit.state) != ("visit", "applied"):
            return f"its event is {visit.kind} and {visit.state}"
        if (visit.card, visit.provisional) != (facts.card, facts.provisional):
            return "its card or its provisional points are not those of its event"
        return self._misdated(visit, event.stamp) or self._not_its(visit) or self._overpaid(visit, facts)

    def _misdated(self, visit: _Visit, stamp: Any) -> str | None:  # noqa: ANN401 (an event's stamp)
        at = sql.moment_of(visit.happened_at)
        if visit.timed == "stated" and (
            not stamp.trusted or abs(at - datetime.fromtimestamp(stamp.wall_s, UTC)) > CLOSE
        ):
            return "its time is not that of its event"
        if abs(date.fromisoformat(visit.day) - at.date()) > A_DAY:
            return f"it was at {at:%Y-%m-%d %H:%M} UTC and counts to {visit.day}"
        return None

    def _not_its(self, visit: _Visit) -> str | None:
        if visit.card not in self._cards and visit.event > self._register.unsigned.last:
            return "its card has no row"  # the first version made no row for a card that was only seen
        if visit.household is None:
            return None
        if (self._cards.get(visit.card), visit.household) in self._register.bound:
            return None
        return f"its card was never household {visit.household}'s"

    def _overpaid(self, visit: _Visit, facts: VisitFacts) -> str | None:
        if (rules := self._rules.get(facts.rules)) is None:
            return f"it was settled by rules version {facts.rules}, which this ledger does not have"
        role = Role.STAFF if visit.lowered_by == LoweredBy.STAFF else Role.RESIDENT
        is_dated = visit.timed != Timed.DOUBTED
        earned = award(facts.deposits, role, rules, self._before(visit) if is_dated else Tally())
        most = min(facts.provisional, earned.points)
        if visit.due > most:
            return f"{visit.due} points were given or wait, but its facts earn {most}"
        if visit.counted != (earned.counted if is_dated else 0):
            return f"{visit.counted} deposits count, but its facts have {earned.counted}"
        return None

    def _before(self, visit: _Visit) -> Tally:
        """Return what the day had certainly given before."""
        card = Tally(self._points[visit.card], self._deposits[visit.card])
        if visit.purpose == "award":
            return Tally(self._given.points + card.points, self._given.deposits + card.deposits)
        return card

    def _count(self, visit: _Visit) -> None:
        if visit.returned or not visit.due or visit.timed == Timed.DOUBTED:
            return
        if visit.purpose == "award":
            given = self._given
            self._given = Tally(given.points + visit.due, given.deposits + visit.counted)
        elif self._cards.get(visit.card) not in self._register.parted:
            self._points[visit.card] += visit.due
            self._deposits[visit.card] += visit.counted
