"""The state while one event changes it, and the event's commands.

A StepContext exists only inside one call of `edge.visit.machine.step`; outside it, a state is replaced whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from edge.faults import CATALOGUE, ClearedBy, Fault, FaultCode
from edge.messages import Alarm, Command, Say
from edge.visit.state import Deposit, Opening, State, Visit, VisitRules


@dataclass(slots=True)
class StepContext:
    """Collects what one event changes."""

    state: State
    at: float
    rules: VisitRules
    commands: list[Command] = field(default_factory=list)

    def emit(self, command: Command) -> None:
        """Add a command."""
        self.commands.append(command)

    def say(self, say: Say, about: int | None = None) -> None:
        """Speak, but not about a visit that another visit has followed: its resident has left."""
        if about is None or self.state.current in (None, about):
            self.emit(say)

    def put_visit(self, visit: Visit) -> Visit:
        """Replace a visit in progress."""
        visits = tuple(visit if visit.id == other.id else other for other in self.state.visits)
        self.state = replace(self.state, visits=visits)
        return visit

    def drop_visit(self, visit: Visit) -> None:
        """Forget a visit."""
        visits = tuple(other for other in self.state.visits if other.id != visit.id)
        current = None if self.state.current == visit.id else self.state.current
        self.state = replace(self.state, visits=visits, current=current)

    def put_opening(self, visit: Visit, opening: Opening) -> Visit:
        """Add or replace one of a visit's openings; its bin identifies it."""
        others = tuple(other for other in visit.openings if other.bin != opening.bin)
        return self.put_visit(replace(visit, openings=(*others, opening)))

    def put_deposit(self, visit: Visit, deposit: Deposit) -> Visit:
        """Replace one of a visit's deposits; its number identifies it."""
        return self.put_visit(
            replace(
                visit,
                deposits=tuple(deposit if deposit.number == old.number else old for old in visit.deposits),
            )
        )

    def raise_fault(self, code: FaultCode, part: str) -> None:
        """Begin a fault, once."""
        fault = Fault(code, part)
        if fault not in self.state.faults:
            self.state = replace(self.state, faults=self.state.faults | {fault})
            self.emit(Alarm(code, part, raised=True))

    def clear_fault(self, code: FaultCode, part: str) -> None:
        """End a fault if it is active and its owner may clear it."""
        if CATALOGUE[code].cleared_by is ClearedBy.OWNER:
            self.end_fault(code, part)

    def end_fault(self, code: FaultCode, part: str) -> None:
        """End a fault, whoever may clear it."""
        fault = Fault(code, part)
        if fault in self.state.faults:
            self.state = replace(self.state, faults=self.state.faults - {fault})
            self.emit(Alarm(code, part, raised=False))

    def each_visit(self, work: Callable[[StepContext, Visit], None]) -> None:
        """Do `work` for every visit in progress now, each in its state after the work before."""
        for number in [visit.id for visit in self.state.visits]:
            visit = self.state.visit(number)
            if visit is not None:
                work(self, visit)
