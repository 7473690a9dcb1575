"""The end of a visit: it is written to the disk, then the resident is told the points. Pure."""

from __future__ import annotations

from dataclasses import replace

from cloud_sync.rules.award_rules import Outcome
from cloud_sync.wire.facts import Role, VisitFacts
from edge.faults import JOURNAL_REFUSALS, FaultCode
from edge.messages import Prompt, Record, RecordDelayed, Recorded, RecordFailed, Say
from edge.visit import deposits
from edge.visit.state import Visit
from edge.visit.step_context import StepContext

JOURNAL = "journal"
"""The part in faults of the station's disk."""
MOMENT_S = 2.0
"""A resident waits this long for points after the disk has refused once; two more attempts fit in."""


def finish_if_ready(context: StepContext, visit: Visit) -> None:
    """Send a visit to the disk once nothing of it is outstanding; end it unrecorded if it opened no lid.

    The lid that an officer opened is recorded with the command, not as a visit.
    """
    waits_for_more = context.state.current == visit.id and context.at < visit.idle_until
    if visit.recording_until is not None or visit.is_busy or waits_for_more:
        return
    if not visit.closed or visit.is_ordered:
        context.drop_visit(visit)
        return
    context.put_visit(replace(visit, recording_until=context.at + context.rules.waits.record_s))
    if context.state.current == visit.id:
        context.state = replace(context.state, current=None)
    context.emit(Record(visit.id, _facts(context, visit)))


def _facts(context: StepContext, visit: Visit) -> VisitFacts:
    return VisitFacts(
        card=visit.card,
        credential=visit.credential,
        role=visit.role,
        duration_s=round(context.at - visit.started_at, 3),
        openings=visit.closed,
        deposits=tuple(deposits.deposit_facts(context.rules, visit, one) for one in visit.deposits),
        rules=0,
        provisional=0,
    )


def recorded(context: StepContext, event: Recorded) -> None:
    """End a visit that is on the disk, and speak its points.

    They are spoken even if the next card has been tapped: the resident before must hear them too. The prompt
    then says "the resident before", so that nobody takes the points for their own.
    """
    visit = context.state.visit(event.visit)
    if visit is None or visit.recording_until is None:
        return
    context.drop_visit(visit)
    points = event.award.points
    if visit.is_staff or not points:
        context.say(Say(_words_without_points(visit, event), points=points), about=visit.id)
        return
    is_followed = context.state.current is not None
    is_held = visit.role is Role.UNKNOWN
    context.emit(Say(AWARD_PROMPTS[is_held, is_followed], points=points, visit=visit.id))


AWARD_PROMPTS = {
    (False, False): Prompt.POINTS,
    (False, True): Prompt.POINTS_BEFORE,
    (True, False): Prompt.POINTS_HELD,
    (True, True): Prompt.POINTS_HELD_BEFORE,
}
"""The prompt of an award, by whether it is held and whether another visit has begun."""


def _words_without_points(visit: Visit, event: Recorded) -> Prompt:
    if visit.is_staff:
        return Prompt.STAFF_DONE
    if all(line.outcome is Outcome.NOTHING for line in event.award.lines):
        return Prompt.NO_DEPOSIT
    return Prompt.NO_POINTS


def recording_overdue(context: StepContext, visit: Visit) -> None:
    """End the visit for the resident when the disk takes too long; the record still waits in memory."""
    if visit.recording_until is not None and visit.recording_until <= context.at:
        _end_unrecorded(context, visit, Prompt.SAVED_LATER, FaultCode.JOURNAL_SILENT)


def record_delayed(context: StepContext, event: RecordDelayed) -> None:
    """Wait at most MOMENT_S for the next attempts; the resident need not wait for all of them."""
    visit = context.state.visit(event.visit)
    if visit is not None and visit.recording_until is not None:
        until = min(visit.recording_until, event.at + MOMENT_S)
        context.put_visit(replace(visit, recording_until=until))


def record_failed(context: StepContext, event: RecordFailed) -> None:
    """End a visit that is lost."""
    visit = context.state.visit(event.visit)
    _end_unrecorded(context, visit, Prompt.NOT_SAVED, FaultCode.JOURNAL_FAILED)


def _end_unrecorded(context: StepContext, visit: Visit | None, prompt: Prompt, fault: FaultCode) -> None:
    """End a visit that is not on the disk, and tell the resident; raise `fault` unless the cause is known."""
    if not any(active.code in JOURNAL_REFUSALS for active in context.state.faults):
        context.raise_fault(fault, JOURNAL)
    if visit is not None and visit.recording_until is not None:
        context.drop_visit(visit)
        context.say(Say(prompt), about=visit.id)
