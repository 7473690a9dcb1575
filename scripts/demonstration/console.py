"""Prints one readable line for each visit: who came, what the model saw, which bin, how many points."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cloud_sync.rules.award_rules import Award, Outcome, outcome_of
from cloud_sync.wire.facts import DepositFacts, NoteFacts, Role, Stamp, VisitFacts
from config.sorting import Category, Sorting
from config.words import Both
from edge.faults import FaultCode
from edge.ports import Journal, OutboxDepth
from edge.roster import RosterEntry
from edge.sim.people.town import Neighbourhood

LEGEND = (
    "a line a visit: who; what the model saw, into which bin, and what that means; the points it earns",
    '  "Glass?" with a question mark: the model is unsure, and the resident gets the neutral point',
    '  "on hold": points of a card that nobody has registered yet',
)


class VisitLines:
    """Puts a visit into words. `labels` are the model's, by key."""

    def __init__(self, people: Neighbourhood, sorting: Sorting, labels: Mapping[str, Both]) -> None:
        self._names = {person.card: person.name for person in people.known}
        self._sorting, self._labels = sorting, labels
        self._count = 0

    def line(self, facts: VisitFacts, award: Award) -> str:
        """Return the next visit's line."""
        self._count += 1
        what = "; ".join(self._deposit(deposit) for deposit in facts.deposits) or "nothing thrown in"
        if facts.role is Role.STAFF:
            points = "staff"
        else:
            on_hold = facts.role is Role.UNKNOWN and award.points
            points = f"+{award.points}" + (" on hold" if on_hold else "")
        return f"{self._count:4}  {self._names.get(facts.card, 'unregistered card')}: {what}  {points}"

    def _deposit(self, deposit: DepositFacts) -> str:
        outcome, into = outcome_of(deposit), self._bin(deposit.bin_category)
        verdict = deposit.verdict
        if verdict is None:
            return f"something into {into}, not seen"
        name = self._labels.get(verdict.label or "")
        label = verdict.label if name is None else name.en
        match outcome:
            case Outcome.NOTHING:
                return f"no waste at {into}: a hand or a shadow"
            case Outcome.UNSURE:
                return f"{label}? into {into}, unsure"
            case Outcome.WRONG if verdict.category is not None:
                return f"{label} into {into}, wrong: next time {self._bin(verdict.category)}"
            case _:
                return f"{label} into {into}, right"

    def _bin(self, category: Category) -> str:
        return self._sorting.category[category].en


class ReportingJournal(Journal):
    """A journal that reports each visit once it is stored."""

    def __init__(self, journal: Journal, report: Callable[[VisitFacts, Award], None]) -> None:
        """Pass everything to `journal`; call `report` after each visit."""
        self._journal = journal
        self._report = report

    def record_visit(self, facts: VisitFacts, stamp: Stamp) -> Award:
        """Store a visit, then report it."""
        award = self._journal.record_visit(facts, stamp)
        self._report(facts, award)
        return award

    def record_note(self, facts: NoteFacts, stamp: Stamp) -> None:
        """Store an alarm or a command."""
        self._journal.record_note(facts, stamp)

    def roster(self) -> Mapping[str, RosterEntry]:
        """Return the known cards by hash."""
        return self._journal.roster()

    def outbox(self) -> OutboxDepth:
        """Count the events that wait for a receipt, and those that the ledger refused."""
        return self._journal.outbox()

    def faults(self) -> frozenset[FaultCode]:
        """Return the faults that only the journal knows."""
        return self._journal.faults()
