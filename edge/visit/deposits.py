"""Deposits within visits: seen, photographed, judged. Pure.

A deposit is a change in a bin between its lid opening and closing. It belongs to the visit whose
opening the lid is in, and to no other.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf

from cloud_sync.rules.award_rules import Outcome, outcome_of
from cloud_sync.wire.facts import MAX_NAME, DepositFacts, OpeningFacts, VerdictFacts
from edge.faults import Fault, FaultCode, seeing_is_blocked, weighing_is_blocked
from edge.messages import (
    Capture,
    CaptureFailed,
    ChamberChanged,
    Classified,
    Classify,
    ClassifyFailed,
    PhotosTaken,
    Prompt,
    Say,
)
from edge.visit.state import MODEL, Deposit, DepositPhase, Opening, OpeningPhase, Visit, VisitRules
from edge.visit.step_context import StepContext
from models.verdict import Verdict

DOUBT_S = 3.0
"""The fault of a camera or an eye is raised at most this long after it stopped working."""
ROUNDING_S = 0.001
"""Times of closed openings are rounded to milliseconds."""
PROMPTS = {
    Outcome.RIGHT: Prompt.RIGHT,
    Outcome.WRONG: Prompt.WRONG,
    Outcome.UNSURE: Prompt.UNSURE,
    Outcome.UNSEEN: Prompt.UNSEEN,
}
"""The prompt of each outcome; an empty picture has none."""


def deposit_facts(rules: VisitRules, visit: Visit, deposit: Deposit) -> DepositFacts:
    """Return a deposit as it is sent to the ledger."""
    return DepositFacts(
        bin=deposit.bin,
        bin_category=rules.bins[deposit.bin].category,
        at_s=round(deposit.at - visit.started_at, 3),
        verdict=None if deposit.verdict is None else _verdict_facts(deposit.verdict),
        # A scale that settles may read less than before; the wire format has no negative weight.
        weight_g=None if deposit.weight_g is None else max(0, deposit.weight_g),
    )


def _verdict_facts(verdict: Verdict) -> VerdictFacts:
    return VerdictFacts(
        state=verdict.state,
        probability=round(min(1.0, max(0.0, verdict.probability)), 4),
        model=verdict.model[:MAX_NAME],
        category=verdict.category,
        label=None if verdict.label is None else verdict.label[:MAX_NAME],
    )


def chamber_changed(context: StepContext, event: ChamberChanged) -> Opening | None:
    """Begin a deposit. Return the opening it fell into; None for a change that is not a deposit."""
    held = context.state.holder(event.bin)
    if held is None or held[1].phase not in (OpeningPhase.OPEN, OpeningPhase.CLOSING):
        _seen_before_it_shut(context, event)
        return None  # a moving lid or a settling bin is not a deposit
    visit, opening = held
    if visit.is_ordered:
        return None  # what falls in is nobody's
    if event.by_scale and (seen := _seen(visit, opening)):
        _add_weight(context, visit, seen, event.weight_g or 0)
        return opening
    if visit.is_full or _count(visit, opening) >= context.rules.waits.max_deposits:
        return opening
    _begin(context, visit, event)
    return opening


def _seen_before_it_shut(context: StepContext, event: ChamberChanged) -> None:
    """Begin a deposit that the eye reported only after the lid was shut, if its visit is not over."""
    if event.seen_at is None:
        return
    for visit in context.state.visits:
        for opening in visit.closed:
            if opening.bin == event.bin and _opened_at(visit, opening) <= event.seen_at <= _shut_at(
                visit, opening
            ):
                if visit.recording_until is None and not visit.is_full:
                    _begin(context, visit, event)
                return


def _opened_at(visit: Visit, opening: OpeningFacts) -> float:
    return visit.started_at + opening.opened_s - ROUNDING_S


def _shut_at(visit: Visit, opening: OpeningFacts) -> float:
    return inf if opening.closed_s is None else visit.started_at + opening.closed_s + ROUNDING_S


def _begin(context: StepContext, visit: Visit, event: ChamberChanged) -> None:
    number = len(visit.deposits) + 1
    until = event.at + context.rules.waits.capture_s
    deposit = Deposit(
        number, event.bin, event.at, DepositPhase.CAPTURING, until, event.weight_g, by_scale=event.by_scale
    )
    visit = context.put_visit(replace(visit, deposits=(*visit.deposits, deposit)))
    # Each deposit tries the camera and the model again despite a fault; a refused model needs a restart.
    refused = Fault(FaultCode.MODEL_REFUSED, MODEL) in context.state.faults
    # A scale reports when the lid is shut; then a camera no longer sees the deposit.
    if context.rules.bins[event.bin].camera is None or refused or event.by_scale:
        _judge(context, visit, deposit, None)
    else:
        context.emit(Capture(visit.id, number, event.bin))


def _of(visit: Visit, opening: Opening) -> list[Deposit]:
    return [one for one in visit.deposits if one.bin == opening.bin and one.at >= opening.opened_at]


def _count(visit: Visit, opening: Opening) -> int:
    return len(_of(visit, opening))


def _seen(visit: Visit, opening: Opening) -> list[Deposit]:
    return [deposit for deposit in _of(visit, opening) if not deposit.by_scale]


def _add_weight(context: StepContext, visit: Visit, seen: list[Deposit], weight_g: int) -> None:
    """Add a load to the first deposit without a weight; to the last one if all have a weight."""
    one = next((deposit for deposit in seen if deposit.weight_g is None), seen[-1])
    context.put_deposit(visit, replace(one, weight_g=(one.weight_g or 0) + weight_g))


def _is_watched(context: StepContext, opening: Opening, *, was_shut: bool) -> bool:
    """Return whether a deposit in this opening would have been reported; a scale reports at the shut."""
    rule, faults = context.rules.bins[opening.bin], context.state.faults
    if rule.weighed and was_shut and not weighing_is_blocked(faults, opening.bin):
        return True
    return not opening.was_blind and can_see(context, opening.bin)


def can_see(context: StepContext, bin_id: str) -> bool:
    """Return whether a camera looks into a bin now."""
    camera = context.rules.bins[bin_id].camera
    return camera is not None and not seeing_is_blocked(context.state.faults, frozenset({camera}))


def waits_for_the_eye(context: StepContext, visit: Visit, opening: Opening) -> bool:
    """Return whether a watched opening has no deposit yet: the eye's report may still be on its way."""
    is_watched = context.rules.bins[opening.bin].camera is not None and not visit.is_staff
    return is_watched and not _count(visit, opening)


def eyes_lost(context: StepContext, visit: Visit) -> None:
    """Mark a visit's openings as blind if no camera can see them now.

    A fault is raised up to DOUBT_S after it began. So an opening without a deposit that shut within that time
    counts one unseen deposit.
    """
    for opening in visit.openings:
        if opening.phase is not OpeningPhase.WAITING and not can_see(context, opening.bin):
            context.put_opening(visit := _now(context, visit), replace(opening, was_blind=True))
    for shut in visit.closed:
        now = _now(context, visit)
        if can_see(context, shut.bin) or _shut_at(now, shut) < context.at - DOUBT_S:
            continue
        opening = Opening(shut.bin, OpeningPhase.CLOSING, inf, _opened_at(now, shut), was_blind=True)
        if now.recording_until is None:
            add_unseen_if_blind(context, now, opening, was_shut=shut.closed_s is not None)


def _now(context: StepContext, visit: Visit) -> Visit:
    return context.state.visit(visit.id) or visit


def add_unseen_if_blind(context: StepContext, visit: Visit, opening: Opening, *, was_shut: bool) -> Visit:
    """Count one unseen deposit for an opening that was not watched, in the resident's favour."""
    watched = _is_watched(context, opening, was_shut=was_shut)
    if watched or visit.is_full or visit.is_staff or opening.opened_at == inf or _count(visit, opening):
        return visit
    if visit.is_ordered:
        return visit
    deposit = Deposit(len(visit.deposits) + 1, opening.bin, context.at, DepositPhase.JUDGED, inf)
    return context.put_visit(replace(visit, deposits=(*visit.deposits, deposit)))


def _find(context: StepContext, visit: int, number: int, phase: DepositPhase) -> tuple[Visit, Deposit] | None:
    """Return the deposit that a result belongs to; None for a result that came too late."""
    found = context.state.visit(visit)
    if found is None:
        return None
    wanted = (number, phase)
    return next(((found, one) for one in found.deposits if (one.number, one.phase) == wanted), None)


def photos_taken(context: StepContext, event: PhotosTaken) -> None:
    """Have the model classify a deposit's photos."""
    if found := _find(context, event.visit, event.deposit, DepositPhase.CAPTURING):
        visit, deposit = found
        context.clear_fault(FaultCode.CAMERA_FAILED, _camera(context, deposit))
        until = event.at + context.rules.waits.classify_s
        taken = replace(deposit, phase=DepositPhase.CLASSIFYING, until=until, photos=event.photos)
        context.put_deposit(visit, taken)
        context.emit(Classify(visit.id, deposit.number, event.photos))


def capture_failed(context: StepContext, event: CaptureFailed) -> None:
    """Count a deposit without a picture as unseen."""
    if found := _find(context, event.visit, event.deposit, DepositPhase.CAPTURING):
        _unseen(context, *found, busy=event.busy)


def classified(context: StepContext, event: Classified) -> None:
    """Judge a deposit by the model's verdict, and speak it."""
    if found := _find(context, event.visit, event.deposit, DepositPhase.CLASSIFYING):
        context.clear_fault(FaultCode.MODEL_FAILED, MODEL)
        _judge(context, *found, event.verdict)


def classify_failed(context: StepContext, event: ClassifyFailed) -> None:
    """Count a deposit without a verdict as unseen."""
    if found := _find(context, event.visit, event.deposit, DepositPhase.CLASSIFYING):
        _unseen(context, *found, busy=event.busy)


def deposits_overdue(context: StepContext, visit: Visit) -> None:
    """Count every overdue deposit as unseen."""
    for deposit in visit.deposits:
        now = context.state.visit(visit.id)
        if now is not None and deposit.phase is not DepositPhase.JUDGED and deposit.until <= context.at:
            _unseen(context, now, deposit, busy=False)


def leave_unseen(context: StepContext, visit: Visit) -> Visit:
    """Stop waiting for results about a visit's deposits, without a fault and without a prompt."""
    judged = tuple(
        one if one.phase is DepositPhase.JUDGED else replace(one, phase=DepositPhase.JUDGED, until=inf)
        for one in visit.deposits
    )
    return context.put_visit(replace(visit, deposits=judged))


def _unseen(context: StepContext, visit: Visit, deposit: Deposit, *, busy: bool) -> None:
    if not busy and deposit.phase is DepositPhase.CAPTURING:
        context.raise_fault(FaultCode.CAMERA_FAILED, _camera(context, deposit))
    elif not busy:
        context.raise_fault(FaultCode.MODEL_FAILED, MODEL)
    _judge(context, visit, deposit, None)


def _camera(context: StepContext, deposit: Deposit) -> str:
    return context.rules.bins[deposit.bin].camera or deposit.bin


def _judge(context: StepContext, visit: Visit, deposit: Deposit, verdict: Verdict | None) -> None:
    judged = replace(deposit, phase=DepositPhase.JUDGED, until=inf, verdict=verdict)
    visit = context.put_deposit(visit, judged)
    prompt = PROMPTS.get(outcome_of(deposit_facts(context.rules, visit, judged)))
    if prompt is None:
        return
    say = Say(
        prompt,
        bin=context.rules.bins[deposit.bin].category,
        belongs=None if verdict is None else verdict.category,
        label=None if verdict is None else verdict.label,
    )
    context.say(say, about=visit.id)
