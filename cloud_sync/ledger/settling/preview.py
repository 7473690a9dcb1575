"""Compute what past days would have earned under other rules; nothing is changed."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby

from msgspec import Struct

from cloud_sync.ledger.db.snapshot import snapshot
from cloud_sync.ledger.points.models import VisitSettlement
from cloud_sync.ledger.settling.rules import known_rules
from cloud_sync.ledger.stations.models import Community
from cloud_sync.rules.award_rules import AwardRules, Line, LoweredBy, Outcome, Tally, award
from cloud_sync.wire.envelope import decode_event
from cloud_sync.wire.facts import DepositFacts, Role, VisitFacts
from config.errors import InputError

EXTREMES = 5
"""How many households with the largest gain, and with the largest loss, are named."""
AT_ONCE = 500
"""Visits in memory at a time."""


class OutcomeChange(Struct, frozen=True):
    """How often deposits had this outcome, and what they earned and would earn."""

    outcome: Outcome
    times: int
    before: int
    after: int


class HouseholdChange(Struct, frozen=True):
    """What one household earned and would earn."""

    household: str
    before: int
    after: int


class Preview(Struct, frozen=True):
    """The days from `since` until before `until`; `before` is priced by the rules that each visit names.

    `given` is what the ledger really gave or still holds.
    """

    since: date
    until: date
    version: int
    visits: int
    given: int
    before: int
    after: int
    outcomes: tuple[OutcomeChange, ...]
    most_gained: tuple[HouseholdChange, ...]
    most_lost: tuple[HouseholdChange, ...]


class _Row(Struct, frozen=True):
    """One visit as it was settled."""

    earner: str
    household: str | None
    day: date
    staff: bool
    given: int
    deposits: tuple[DepositFacts, ...]
    rules: int


def preview(community: Community, rules: AwardRules, since: date, until: date) -> Preview:
    """Compute what the visits of these local days would have earned under `rules`.

    InputError if there is no day between `since` and `until`. Memory does not grow with their number.
    """
    if since >= until:
        raise InputError(f"from {since} to {until} there is no day", "let the first day come before the last")
    count = _Count()
    with snapshot():
        versions = community.rules.values_list("version", flat=True)
        known = known_rules(community, list(versions))
        for _, rows in groupby(_rows(community, since, until), key=lambda row: row.earner):
            count.take(rows, known, rules)
    return count.preview(since, until, rules.version)


class _Count:
    """Running sums over visits, one earner after another."""

    def __init__(self) -> None:
        self.visits = self.given = self.before = self.after = 0
        self.times: Counter[Outcome] = Counter()
        self.was: Counter[Outcome] = Counter()
        self.would: Counter[Outcome] = Counter()
        self.gained: list[tuple[int, str, int, int]] = []
        self.lost: list[tuple[int, str, int, int]] = []

    def take(self, rows: Iterable[_Row], known: dict[int, AwardRules], rules: AwardRules) -> None:
        """Count one earner's visits, which are sorted by day."""
        before = after = 0
        household = None
        for _, visits in groupby(rows, key=lambda row: row.day):
            old, new = Tally(), Tally()
            for row in visits:
                household = row.household
                old, was = self._award(row, known[row.rules], old, self.was)
                new, would = self._award(row, rules, new, self.would)
                before, after = before + was, after + would
                self.visits += 1
                self.given += row.given
        self.before += before
        self.after += after
        if household is not None:
            _keep(self.gained, (after - before, household, before, after))
            _keep(self.lost, (before - after, household, before, after))

    def _award(
        self, row: _Row, rules: AwardRules, tally: Tally, by_outcome: Counter[Outcome]
    ) -> tuple[Tally, int]:
        role = Role.STAFF if row.staff else Role.RESIDENT
        earned = award(row.deposits, role, rules, tally)
        _add(by_outcome, earned.lines)
        if by_outcome is self.was:
            self.times.update(line.outcome for line in earned.lines)
        return Tally(tally.points + earned.points, tally.deposits + earned.counted), earned.points

    def preview(self, since: date, until: date, version: int) -> Preview:
        """Return the result."""
        return Preview(
            since=since,
            until=until,
            version=version,
            visits=self.visits,
            given=self.given,
            before=self.before,
            after=self.after,
            outcomes=tuple(
                OutcomeChange(outcome, self.times[outcome], self.was[outcome], self.would[outcome])
                for outcome in Outcome
            ),
            most_gained=_changes(self.gained),
            most_lost=_changes(self.lost),
        )


def _add(points: Counter[Outcome], lines: Iterable[Line]) -> None:
    for line in lines:
        points[line.outcome] += line.points


def _keep(extremes: list[tuple[int, str, int, int]], change: tuple[int, str, int, int]) -> None:
    """Keep the EXTREMES largest changes above zero."""
    if change[0] <= 0:
        return
    heapq.heappush(extremes, change)
    if len(extremes) > EXTREMES:
        heapq.heappop(extremes)


def _changes(extremes: Sequence[tuple[int, str, int, int]]) -> tuple[HouseholdChange, ...]:
    ordered = sorted(extremes, reverse=True)
    return tuple(HouseholdChange(household, before, after) for _, household, before, after in ordered)


def _rows(community: Community, since: date, until: date) -> Iterator[_Row]:
    """Yield visits sorted by earner, then by day, then in the order they were settled."""
    rows = VisitSettlement.objects.filter(community=community, local_day__gte=since, local_day__lt=until)
    bound = rows.filter(household__isnull=False).order_by("household_id", "local_day", "event_id")
    unbound = rows.filter(household__isnull=True).order_by("card_hash", "local_day", "event_id")
    for some in (bound, unbound):
        for row in some.select_related("event", "household").iterator(chunk_size=AT_ONCE):
            body = bytes(row.event.body)  # empty for a visit that was erased
            facts = decode_event(body).facts if body else None
            if isinstance(facts, VisitFacts):
                yield _row(row, facts)


def _row(row: VisitSettlement, facts: VisitFacts) -> _Row:
    household = row.household
    return _Row(
        earner=row.card_hash if household is None else f"household {household.pk}",
        household=None if household is None else household.code,
        day=row.local_day,
        staff=row.lowered_by == LoweredBy.STAFF,
        given=row.settled + row.held,
        deposits=facts.deposits,
        rules=facts.rules,
    )
