"""One readable line a visit: who came, what fell where, what the model said, what it earned."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cloud_sync.rules.award_rules import Award, Outcome, outcome_of
from cloud_sync.wire.facts import AlarmFacts, DepositFacts, Role, Stamp, VisitFacts
from edge.faults import FaultCode
from edge.ports import Journal, OutboxDepth
from edge.roster import RosterEntry
from edge.sim.people.town import Neighbourhood

_MARKS = {
    Outcome.RIGHT: "✓",
    Outcome.WRONG: "✗",
    Outcome.UNSURE: "?",
    Outcome.UNSEEN: "–",
    Outcome.NOTHING: "·",
}


class TellingJournal(Journal):
    """A journal that says aloud what it has kept, after it has kept it."""

    def __init__(
        self, journal: Journal, people: Neighbourhood, tell: Callable[[str, VisitFacts], None]
    ) -> None:
        """Pass everything to `journal`; give `tell` a line and the facts of each visit kept."""
        self._journal = journal
        self._names = {person.card: person.name for person in (*people.known, *people.strangers)}
        self._tell = tell
        self._count = 0

    def record_visit(self, facts: VisitFacts, stamp: Stamp) -> Award:
        """Keep a visit, then tell of it."""
        award = self._journal.record_visit(facts, stamp)
        self._count += 1
        self._tell(self._line(facts, award), facts)
        return award

    def record_alarm(self, facts: AlarmFacts, stamp: Stamp) -> None:
        """Keep an alarm."""
        self._journal.record_alarm(facts, stamp)

    def roster(self) -> Mapping[str, RosterEntry]:
        """Known cards by hash."""
        return self._journal.roster()

    def outbox(self) -> OutboxDepth:
        """How many events wait for their receipt, and how many the ledger refused."""
        return self._journal.outbox()

    def faults(self) -> frozenset[FaultCode]:
        """Faults that only the journal knows of."""
        return self._journal.faults()

    def _line(self, facts: VisitFacts, award: Award) -> str:
        what = "; ".join(_deposit(deposit) for deposit in facts.deposits) or "nothing thrown in"
        points = "staff" if facts.role is Role.STAFF else f"+{award.points}"
        kept = " (kept until the card is registered)" if facts.role is Role.UNKNOWN and award.points else ""
        return f"{self._count:4}  {self._names.get(facts.card, '?')}: {what}  {points}{kept}"


def _deposit(deposit: DepositFacts) -> str:
    mark = _MARKS[outcome_of(deposit)]
    verdict = deposit.verdict
    if verdict is None:
        return f"{deposit.bin} {mark} unseen"
    seen = verdict.label or "no waste"
    return f"{deposit.bin} {mark} {seen} {verdict.probability:.0%}"
