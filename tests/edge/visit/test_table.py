"""The tables in the docstring of edge/visit/machine.py say what the code does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import get_args

import pytest

from cloud_sync.rules.award_rules import Award
from cloud_sync.wire.commands import OpenBin
from cloud_sync.wire.facts import Credential, OpeningFacts, Role
from config.sorting import Category
from config.station import OpenBy
from edge.faults import FaultCode
from edge.messages import (
    CaptureFailed,
    ChamberChanged,
    ChamberStirred,
    Classified,
    ClassifyFailed,
    FaultCleared,
    FaultRaised,
    Granted,
    LeaseRefused,
    LeaseTaken,
    LevelChanged,
    LidClosed,
    LidObstructed,
    LidOpened,
    Ordered,
    PhotosTaken,
    Pressed,
    RecordDelayed,
    Recorded,
    RecordFailed,
    Refused,
    RefusedBy,
    StopRequested,
    Tick,
    VisitEvent,
)
from edge.visit import machine
from edge.visit.machine import HANDLERS, step
from edge.visit.state import Deposit, DepositPhase, Opening, OpeningPhase, State, Visit, VisitRules
from tests.edge.builders import WAITS, bin_rule, card, command, rules_of, verdict

NOW = 100.0
LATE = NOW + 1000
GONE, SAME = "gone", "."
BIN, READER = "kitchen", "at-kitchen"


def rules(open_by: OpenBy = OpenBy.READER) -> VisitRules:
    return rules_of(bin_rule(BIN, open_by=open_by), bin_rule("other", category=Category.OTHER), waits=WAITS)


def granted(who: str = "zhang") -> Granted:
    return Granted(NOW, READER, card(who), Credential.EM4100, Role.RESIDENT)


EVENTS: dict[str, VisitEvent] = {
    type(event).__name__: event
    for event in (
        granted(),
        Refused(NOW, READER, card("zhang"), RefusedBy.BLOCKED),
        Pressed(NOW, BIN),
        LidOpened(NOW, BIN),
        LidClosed(NOW, BIN),
        LidObstructed(NOW, BIN),
        LeaseTaken(NOW, BIN),
        LeaseRefused(NOW, BIN),
        ChamberChanged(NOW, BIN),
        ChamberStirred(NOW, BIN),
        LevelChanged(NOW, BIN, full=True),
        PhotosTaken(NOW, 1, 1, ()),
        CaptureFailed(NOW, 1, 1),
        Classified(NOW, 1, 1, verdict()),
        ClassifyFailed(NOW, 1, 1),
        Recorded(NOW, 1, Award(())),
        RecordDelayed(NOW, 1),
        RecordFailed(NOW, 1),
        FaultRaised(NOW, FaultCode.READER_QUIET, "gate"),
        FaultCleared(NOW, FaultCode.READER_QUIET, "gate"),
        Ordered(NOW, command(OpenBin("elsewhere"))),
        StopRequested(NOW),
        Tick(LATE),
    )
}


def visit(number: int = 1, who: str = "zhang", **changed: object) -> Visit:
    fresh = Visit(number, card(who), Credential.EM4100, Role.RESIDENT, NOW - 5, idle_until=LATE)
    return replace(fresh, **changed)  # type: ignore[arg-type]


def opening(phase: OpeningPhase) -> Opening:
    stands_open = phase in {OpeningPhase.OPEN, OpeningPhase.CLOSING}
    return Opening(BIN, phase, until=NOW + 3, opened_at=NOW - 3 if stands_open else inf, closing_at=NOW)


# --- one kind of thing: a state in which it is in a phase, and its phase in a state -----------------


def a_lid(phase: str) -> State:
    other = opening(OpeningPhase.OPEN)
    if phase == GONE:
        return State((visit(),), current=1, next_visit=2)
    if phase == "waiting":
        before = visit(2, "li", openings=(other,))
        return State((before, visit(openings=(opening(OpeningPhase.WAITING),))), current=1, next_visit=3)
    return State((visit(openings=(opening(OpeningPhase(phase)),)),), current=1, next_visit=2)


def lid_phase(state: State) -> str:
    found = state.visit(1)
    return next((str(one.phase) for one in found.openings if one.bin == BIN), GONE) if found else GONE


def a_deposit(phase: str) -> State:
    lid = opening(OpeningPhase.OPEN)
    thrown = () if phase == GONE else (Deposit(1, BIN, NOW - 1, DepositPhase(phase), NOW + 3),)
    return State((visit(openings=(lid,), deposits=thrown),), current=1, next_visit=2)


def deposit_phase(state: State) -> str:
    found = state.visit(1)
    return str(found.deposits[0].phase) if found is not None and found.deposits else GONE


def a_visit(phase: str) -> State:
    if phase == GONE:
        return State()
    shut = visit(closed=(OpeningFacts(BIN, 0.0, 2.0),))
    if phase == "recording":
        return State((replace(shut, recording_until=NOW + 3),), current=None, next_visit=2)
    return State((shut,), current=1, next_visit=2)


def visit_phase(state: State) -> str:
    found = state.visit(1)
    if found is None:
        return GONE
    return "active" if found.recording_until is None else "recording"


TABLES: list[tuple[str, Callable[[str], State], Callable[[State], str]]] = [
    ("One bin's lid", a_lid, lid_phase),
    ("One deposit", a_deposit, deposit_phase),
    ("The visit itself", a_visit, visit_phase),
]


def table(title: str) -> list[tuple[str, str, str]]:
    """Give the cells of one table of the docstring: event, phase it meets, phase after it."""
    block = (machine.__doc__ or "").split(title)[1].split("\n\n")[0]
    header, *lines = [line.split() for line in block.splitlines() if line.startswith("    ")]
    assert header[0] == "event"
    return [
        (event, phase, after)
        for event, *cells in lines
        for phase, after in zip(header[1:], cells, strict=True)
    ]


CELLS = [(title, *cell) for title, _, _ in TABLES for cell in table(title)]


@pytest.mark.parametrize(("title", "event", "before", "after"), CELLS)
def test_every_cell_is_what_the_code_does(title: str, event: str, before: str, after: str) -> None:
    _, make, phase_of = next(row for row in TABLES if row[0] == title)
    state = make(before)
    assert phase_of(state) == before
    open_by = OpenBy.BUTTON if event == "Pressed" else OpenBy.READER
    reached, _ = step(state, EVENTS[event], rules(open_by))
    assert phase_of(reached) == (before if after == SAME else after)


def test_an_event_that_stands_in_no_table_changes_no_phase_of_it() -> None:
    for title, make, phase_of in TABLES:
        rows = {event for event, _, _ in table(title)}
        phases = {before for _, before, _ in table(title)} - {GONE}
        if title == "The visit itself":
            continue  # an active visit without a lid becomes a record by itself
        for name in EVENTS.keys() - rows - {"Granted", "Pressed", "LidClosed", "StopRequested"}:
            for before in phases:
                assert phase_of(step(make(before), EVENTS[name], rules())[0]) == before, (title, name, before)


def test_every_kind_of_event_has_its_handler_and_its_row() -> None:
    kinds = set(get_args(VisitEvent))
    assert set(HANDLERS) == kinds
    assert set(EVENTS) == {kind.__name__ for kind in kinds}
    rows = {line.split()[0] for line in (machine.__doc__ or "").splitlines() if line.startswith("    ")}
    assert rows - {"event"} == {kind.__name__ for kind in kinds}
