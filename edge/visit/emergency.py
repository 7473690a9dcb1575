"""The emergency, a state of the whole station: its causes, its effect and its end. Pure.

Smoke or panic at any input stops every motor, wherever its lid is wired; so does a mover that reports that it
was stopped. The emergency outlasts the input, lost links and restarts. It ends when a staff card is tapped
while no input is active. That reset moves and opens nothing.
"""

from __future__ import annotations

from edge.faults import EMERGENCIES, LIDS_AWAY, FaultCode, station_is_blocked
from edge.messages import FaultCleared, FaultRaised, Prompt, ResumeMotors, Say, StopMotors
from edge.part_kinds import STATION
from edge.visit import openings
from edge.visit.state import State
from edge.visit.step_context import StepContext

BEGUN_BY = EMERGENCIES | {FaultCode.EMERGENCY_STOP}
"""Faults that stop every motor when they are raised."""


def is_on(state: State) -> bool:
    """Return whether the emergency is on: no motor may run, and no bin may open."""
    return station_is_blocked(state.faults)


def begin(context: StepContext, event: FaultRaised) -> None:
    """Stop every motor and end every opening; do so again if the emergency is already on."""
    is_news = not is_on(context.state)
    if event.fault in EMERGENCIES:
        context.raise_fault(event.fault, event.part)
    context.raise_fault(FaultCode.EMERGENCY_STOP, STATION)
    context.emit(StopMotors())
    if is_news:
        context.each_visit(openings.motors_stopped)
        context.say(Say(Prompt.EMERGENCY))


def mover_changed(context: StepContext, event: FaultCleared) -> None:
    """Stop motors again when a lid is reachable again: its mover may have missed the command."""
    if event.fault in LIDS_AWAY and is_on(context.state):
        context.emit(StopMotors())


def tapped(context: StepContext, *, is_staff: bool) -> None:
    """End the emergency for a staff card, unless an input is still active. No tap opens anything."""
    if not is_staff:
        context.say(Say(Prompt.EMERGENCY))
    elif any(fault.code in EMERGENCIES for fault in context.state.faults):
        context.say(Say(Prompt.EMERGENCY_HELD))
    else:
        context.end_fault(FaultCode.EMERGENCY_STOP, STATION)
        context.emit(ResumeMotors())
        context.say(Say(Prompt.EMERGENCY_OVER))
