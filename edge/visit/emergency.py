"""An emergency is a state of the whole station: what begins it, what it forbids, who ends it. Pure.

Smoke or panic at any input stops every motor, wherever its lid is wired; so does a mover that says it was
stopped. It lasts when the input is free again, over lost links and restarts, until somebody of the staff
taps a card while no input reports anything. That reset moves nothing and opens nothing by itself.
"""

from __future__ import annotations

from edge.faults import EMERGENCIES, LIDS_AWAY, FaultCode, station_is_blocked
from edge.messages import FaultCleared, FaultRaised, Prompt, ResumeMotors, Say, StopMotors
from edge.part_kinds import STATION
from edge.visit import openings
from edge.visit.state import State
from edge.visit.step_context import Turn

BEGUN_BY = EMERGENCIES | {FaultCode.EMERGENCY_STOP}
"""Faults that stop every motor when they are raised."""


def is_on(state: State) -> bool:
    """Whether no motor may run and no bin may open."""
    return station_is_blocked(state.faults)


def begin(turn: Turn, event: FaultRaised) -> None:
    """Stop every motor and end every opening; one that lasts already stops them again."""
    is_news = not is_on(turn.state)
    if event.fault in EMERGENCIES:
        turn.raise_fault(event.fault, event.part)
    turn.raise_fault(FaultCode.EMERGENCY_STOP, STATION)
    turn.give(StopMotors())
    if is_news:
        turn.each_visit(openings.motors_stopped)
        turn.say(Say(Prompt.EMERGENCY))


def mover_changed(turn: Turn, event: FaultCleared) -> None:
    """Stop motors again when a lid can be reached again: what moves it may have missed the word."""
    if event.fault in LIDS_AWAY and is_on(turn.state):
        turn.give(StopMotors())


def tapped(turn: Turn, *, is_staff: bool) -> None:
    """End the emergency for a staff card, unless an input still reports one. No tap opens anything."""
    if not is_staff:
        turn.say(Say(Prompt.EMERGENCY))
    elif any(fault.code in EMERGENCIES for fault in turn.state.faults):
        turn.say(Say(Prompt.EMERGENCY_HELD))
    else:
        turn.end_fault(FaultCode.EMERGENCY_STOP, STATION)
        turn.give(ResumeMotors())
        turn.say(Say(Prompt.EMERGENCY_OVER))
