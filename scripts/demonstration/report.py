"""The result of a demo: the journal compared with the ledger, event by event."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from cloud_sync.rules.award_rules import Line, Outcome
from cloud_sync.wire.facts import VisitFacts
from edge.journal.schema import open_journal
from models.verdict import VerdictState
from scripts.demonstration.day import Day, read_day


class Quantiles(msgspec.Struct, frozen=True):
    """Milliseconds; None before the first tap."""

    p50: float | None
    p99: float | None


class DemoReport(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of one run of the demo; `lost` and `twice` cover everything in its journal."""

    visits: int
    deposits: int
    classified: int
    unsure: int
    right: int
    held: int
    lowered: int
    provisional_points: int
    settled_points: int
    ledger_points: int
    lost: int
    twice: int
    tap_to_lid_ms: Quantiles
    day: Day
    """What today brought by category, in this run and those before it."""

    @property
    def problem(self) -> str | None:
        """Return the problem in words; None if every event arrived once and every point is accounted for."""
        if self.lost:
            return f"{self.lost} events of the journal are not in the ledger"
        if self.twice:
            return f"{self.twice} events or transfers are in the ledger twice"
        accounted = self.settled_points + self.held + self.lowered
        if accounted != self.provisional_points:
            return f"the station spoke {self.provisional_points} points, the ledger accounts for {accounted}"
        if self.ledger_points != self.settled_points + self.held:
            given = self.settled_points + self.held
            return f"the ledger decided on {given} points and transferred {self.ledger_points}"
        return None


class LedgerSide(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger's part: sums over one epoch, and the identity of every event that it applied."""

    held: int
    lowered: int
    settled: int
    transferred: int
    twice: int
    problems: tuple[str, ...]
    """The problems that the ledger's own audit found."""
    applied: frozenset[tuple[str, int]]


class JournalSide(msgspec.Struct, frozen=True, kw_only=True):
    """The journal's part: counts over one epoch, and the identity of every event that it wrote."""

    facts: tuple[VisitFacts, ...]
    lines: tuple[Line, ...]
    provisional: int
    written: frozenset[tuple[str, int]]
    day: Day


def read_journal(state_dir: Path, epoch: str) -> JournalSide:
    """Read the journal's part of the run with this `epoch`."""
    database = open_journal(state_dir)
    try:
        facts = [
            msgspec.json.decode(body, type=VisitFacts)
            for (body,) in database.execute("SELECT facts FROM visits WHERE epoch = ?", [epoch])
        ]
        lines: list[Line] = []
        provisional = 0
        for points, body in database.execute("SELECT points, lines FROM awards WHERE epoch = ?", [epoch]):
            lines += msgspec.json.decode(body, type=list[Line])
            provisional += points
        written = {
            (name, sequence) for name, sequence in database.execute("SELECT epoch, sequence FROM outbox")
        }
    finally:
        database.close()
    return JournalSide(
        facts=tuple(facts),
        lines=tuple(lines),
        provisional=provisional,
        written=frozenset(written),
        day=read_day(state_dir, epoch),
    )


def make_report(journal: JournalSide, ledger: LedgerSide, tap_to_lid_s: Iterable[float]) -> DemoReport:
    """Compare journal and ledger."""
    verdicts = [deposit.verdict for visit in journal.facts for deposit in visit.deposits]
    seen = [verdict for verdict in verdicts if verdict is not None]
    return DemoReport(
        visits=len(journal.facts),
        deposits=len(verdicts),
        classified=len(seen),
        unsure=sum(verdict.state is VerdictState.UNSURE for verdict in seen),
        right=sum(line.outcome is Outcome.RIGHT for line in journal.lines),
        held=ledger.held,
        lowered=ledger.lowered,
        provisional_points=journal.provisional,
        settled_points=ledger.settled,
        ledger_points=ledger.transferred,
        lost=len(journal.written - ledger.applied),
        twice=ledger.twice,
        tap_to_lid_ms=_quantiles([seconds * 1000 for seconds in tap_to_lid_s]),
        day=journal.day,
    )


def _quantiles(values: Sequence[float]) -> Quantiles:
    if len(values) < 2:  # noqa: PLR2004 (quantiles need two)
        only = round(values[0], 3) if values else None
        return Quantiles(only, only)
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return Quantiles(round(cuts[49], 3), round(cuts[98], 3))
