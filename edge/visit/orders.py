"""Commands of officers: judged by the rules of a card, and answered with what a lid's switch reported. Pure.

An order opens a lid only while no person uses the station, and never over an emergency, a fault, a full bin
or a station that is out of service. It has an opening of its own, whose lease ends like any other; what falls
in is nobody's. Whether a command may still act is judged before (edge/remote/freshness.py).
"""

from __future__ import annotations

from dataclasses import replace

from cloud_sync.wire.commands import (
    CloseBin,
    Ending,
    EndService,
    Identify,
    OpenBin,
    RestartPart,
    ResumeService,
    SayPrompt,
    Why,
)
from cloud_sync.wire.facts import Credential, Role
from edge.faults import LIDS_AWAY, Fault, FaultCode, blocked_bins
from edge.messages import (
    EndPart,
    FaultRaised,
    LeaseRefused,
    LidClosed,
    LidObstructed,
    LidOpened,
    Ordered,
    Prompt,
    Reply,
    Say,
    VisitEvent,
)
from edge.part_kinds import STATION
from edge.visit import emergency, openings
from edge.visit.state import Awaited, OpeningPhase, Visit
from edge.visit.step_context import StepContext

OUT = Fault(FaultCode.OUT_OF_SERVICE, STATION)
_REFUSALS = {
    Prompt.OUT_OF_SERVICE: Why.OUT_OF_SERVICE,
    Prompt.BIN_FULL: Why.FULL,
    Prompt.BIN_FULL_OTHER: Why.FULL,
    Prompt.BIN_FAULTY: Why.FAULT,
    Prompt.BIN_FAULTY_OTHER: Why.FAULT,
}
"""Why a lid does not open, by what a resident would be told."""


def ordered(context: StepContext, event: Ordered) -> None:
    """Carry out a command; answer it at once, or when a lid's switch reports."""
    order, verb = event.command.id, event.command.verb
    match verb:
        case OpenBin(bin_id):
            _open(context, order, bin_id)
        case CloseBin(bin_id):
            _close(context, order, bin_id)
        case EndService():
            context.raise_fault(OUT.code, OUT.part)
            context.say(Say(Prompt.OUT_OF_SERVICE))
            _done(context, order)
        case ResumeService():
            was_out = OUT in context.state.faults
            context.end_fault(OUT.code, OUT.part)
            if was_out:
                context.say(Say(Prompt.IN_SERVICE))
            _done(context, order)
        case SayPrompt(prompt):
            context.say(Say(Prompt(prompt)))
            _done(context, order)
        case Identify():
            context.say(Say(Prompt.IDENTIFY))
            _done(context, order)
        case RestartPart(part):
            if part == "lids" and _any_lid_is_open(context):
                _refuse(context, order, Why.LID_OPEN)
            else:
                context.emit(EndPart(order, part))


def _open(context: StepContext, order: str, bin_id: str) -> None:
    if why := _why_not(context, bin_id):
        _refuse(context, order, why)
        return
    number = context.state.next_visit
    # The role is a resident's, so that every rule of residents holds.
    visit = Visit(
        number, "", Credential.EM4100, Role.RESIDENT, context.at, idle_until=context.at, is_ordered=True
    )
    context.state = replace(context.state, visits=(*context.state.visits, visit), next_visit=number + 1)
    refusal = openings.request_opening(context, visit, bin_id)
    if refusal is not None:
        _refuse(context, order, _REFUSALS.get(refusal, Why.BUSY))
        return
    context.say(Say(Prompt.REMOTE_OPENING, bin=context.rules.bins[bin_id].category))
    _await(context, order, bin_id, is_open=True)


def _why_not(context: StepContext, bin_id: str) -> Why | None:
    if bin_id not in context.rules.bins:
        return Why.NO_SUCH_BIN
    if emergency.is_on(context.state):
        return Why.EMERGENCY
    if OUT in context.state.faults:
        return Why.OUT_OF_SERVICE
    if _is_used(context) or len(context.state.visits) >= context.rules.max_visits:
        return Why.BUSY
    return None


def _is_used(context: StepContext) -> bool:
    """Return whether a person's visit is under way, or any lid is not shut."""
    return any(visit.openings or visit.recording_until is None for visit in context.state.visits)


def _close(context: StepContext, order: str, bin_id: str) -> None:
    if bin_id not in context.rules.bins:
        _refuse(context, order, Why.NO_SUCH_BIN)
    elif emergency.is_on(context.state):
        _refuse(context, order, Why.EMERGENCY)
    elif (held := context.state.holder(bin_id)) is None:
        is_shut = bin_id not in blocked_bins(context.state.faults)
        context.emit(
            Reply(order, Ending.DONE, lid="shut", after_s=0.0)
            if is_shut
            else Reply(order, Ending.REFUSED, Why.FAULT)
        )
    elif held[1].phase is OpeningPhase.OPENING:
        _refuse(context, order, Why.BUSY)
    else:
        openings.end_lease(context, *held)
        _await(context, order, bin_id, is_open=False)


def _any_lid_is_open(context: StepContext) -> bool:
    stands_open = {FaultCode.LID_STUCK_OPEN, FaultCode.LID_FORCED}
    return any(visit.openings for visit in context.state.visits) or any(
        fault.code in stands_open for fault in context.state.faults
    )


def _await(context: StepContext, order: str, bin_id: str, *, is_open: bool) -> None:
    until = context.at + context.rules.travel_limit_s
    awaited = Awaited(order, bin_id, is_open=is_open, since=context.at, until=until)
    context.state = replace(context.state, awaited=(*context.state.awaited, awaited))


def answer_what_ended(context: StepContext, event: VisitEvent) -> None:
    """Answer each awaited command that this event ended; called after the event's own handler."""
    for one in context.state.awaited:
        reply = _end_of(context, one, event)
        if reply is not None:
            left = tuple(other for other in context.state.awaited if other.order != one.order)
            context.state = replace(context.state, awaited=left)
            context.emit(reply)


def _end_of(  # noqa: PLR0911 (one row an event)
    context: StepContext, one: Awaited, event: VisitEvent
) -> Reply | None:
    after_s = round(context.at - one.since, 3)
    match event:
        case LidOpened(bin=one.bin) if one.is_open:
            return Reply(one.order, Ending.DONE, lid="open", after_s=after_s)
        case LidClosed(bin=one.bin) if not one.is_open:
            return Reply(one.order, Ending.DONE, lid="shut", after_s=after_s)
        case LidObstructed(bin=one.bin) if not one.is_open:
            return Reply(one.order, Ending.UNSEEN, Why.OBSTRUCTED)
        case LeaseRefused(bin=one.bin) if one.is_open:
            return Reply(one.order, Ending.UNSEEN, Why.MOVER)
        case FaultRaised(fault=code, part=one.bin) if code in LIDS_AWAY:
            return Reply(one.order, Ending.UNSEEN, Why.FAULT)
        case _ if emergency.is_on(context.state):
            return Reply(one.order, Ending.UNSEEN, Why.EMERGENCY)
        case _ if context.at >= one.until or (one.is_open and _is_given_up(context, one)):
            return Reply(one.order, Ending.UNSEEN, Why.NOT_SEEN)
    return None


def _is_given_up(context: StepContext, one: Awaited) -> bool:
    """Return whether the opening is over although its lid never opened."""
    held = context.state.holder(one.bin)
    return held is None or held[1].phase is not OpeningPhase.OPENING


def _done(context: StepContext, order: str) -> None:
    context.emit(Reply(order, Ending.DONE))


def _refuse(context: StepContext, order: str, why: Why) -> None:
    context.emit(Reply(order, Ending.REFUSED, why))
