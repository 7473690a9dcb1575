"""Lids within visits: who may open which, for how long, and how an opening ends. Pure.

A lid command is a lease. Only this module renews it: for a deposit or another tap of the current visit, and
never beyond `max_open_s` after the lid first was open.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf

from cloud_sync.wire.facts import OpeningFacts
from config.station import OpenBy
from edge.faults import Fault, FaultCode, blocked_bins, residents_are_blocked, station_is_blocked
from edge.messages import (
    CloseLid,
    LeaseRefused,
    LeaseTaken,
    LidClosed,
    LidObstructed,
    LidOpened,
    OpenLid,
    Prompt,
    Say,
)
from edge.visit.deposits import add_unseen_if_blind, can_see, waits_for_the_eye
from edge.visit.state import Jam, Opening, OpeningPhase, Visit
from edge.visit.step_context import StepContext

RENEWAL_S = 0.5
"""A lease is renewed only if that adds at least this much."""
JAM_PAUSE_S = 10.0
"""Pause after a jam before a resident's card may try the lid again; it doubles with each further jam."""
JAM_LONGEST_S = 600.0
EARLY_S = 0.5
"""A lid with a fast clock ends its lease at most this long before ours is over."""


def request_opening(context: StepContext, visit: Visit, bin_id: str) -> Prompt | None:
    """Open a bin for a visit. Return the prompt that tells why not yet; None if the lid opens or is open."""
    if station_is_blocked(context.state.faults):
        return Prompt.EMERGENCY
    held = context.state.holder(bin_id)
    if held is not None and held[0].id == visit.id:
        return None if renew(context, visit, held[1]) else Prompt.WAIT
    if refusal := _refusal(context, visit, bin_id):
        return refusal
    if held is not None:
        until = context.at + context.rules.longest_hold_s
        context.put_opening(visit, Opening(bin_id, OpeningPhase.WAITING, until))
        return Prompt.WAIT
    context.emit(OpenLid(visit.id, bin_id, context.rules.lease_s))
    until = context.at + context.rules.travel_limit_s
    context.put_opening(visit, Opening(bin_id, OpeningPhase.OPENING, until))
    return None


def _refusal(context: StepContext, visit: Visit, bin_id: str) -> Prompt | None:
    if visit.is_staff:
        return None
    if residents_are_blocked(context.state.faults):
        return Prompt.OUT_OF_SERVICE
    if _is_faulty(context, bin_id):
        return _faulty_prompt(context, bin_id)
    if bin_id in context.state.full:
        return Prompt.BIN_FULL_OTHER if _has_other(context, bin_id) else Prompt.BIN_FULL
    return None


def _faulty_prompt(context: StepContext, bin_id: str) -> Prompt:
    return Prompt.BIN_FAULTY_OTHER if _has_other(context, bin_id) else Prompt.BIN_FAULTY


def _has_other(context: StepContext, bin_id: str) -> bool:
    """Return whether another bin of the same category takes waste now; no other category is proposed."""
    category = context.rules.bins[bin_id].category
    return any(
        rule.category is category
        and rule.id != bin_id
        and rule.id not in context.state.full
        and not _is_faulty(context, rule.id)
        for rule in context.rules.bins.values()
    )


def _is_faulty(context: StepContext, bin_id: str) -> bool:
    return bin_id in blocked_bins(context.state.faults) and not _may_try_again(context, bin_id)


def _may_try_again(context: StepContext, bin_id: str) -> bool:
    """Return whether only a jam blocks a bin, and its pause is over."""
    jam = context.state.jam(bin_id)
    others = context.state.faults - {Fault(FaultCode.LID_STUCK_SHUT, bin_id)}
    return jam is not None and context.at >= jam.again_at and bin_id not in blocked_bins(others)


def _jammed(context: StepContext, bin_id: str) -> None:
    """Block the bin of a lid that stayed shut under a lease; each further jam lengthens the pause."""
    before = context.state.jam(bin_id)
    tries = 1 if before is None else before.tries + 1
    pause_s = min(JAM_PAUSE_S * 2.0 ** min(tries - 1, 16), JAM_LONGEST_S)
    _forget_jam(context, bin_id)
    context.state = replace(
        context.state, jams=(*context.state.jams, Jam(bin_id, tries, context.at + pause_s))
    )
    context.raise_fault(FaultCode.LID_STUCK_SHUT, bin_id)


def _forget_jam(context: StepContext, bin_id: str) -> None:
    context.state = replace(context.state, jams=tuple(jam for jam in context.state.jams if jam.bin != bin_id))


def lease_taken(context: StepContext, event: LeaseTaken) -> None:
    """Note that the mover took the lease: a lid that now stays shut is jammed."""
    held = context.state.holder(event.bin)
    if held is not None and held[1].phase is OpeningPhase.OPENING:
        context.put_opening(held[0], replace(held[1], is_leased=True))


def lease_refused(context: StepContext, event: LeaseRefused) -> None:
    """Give up an opening that the mover refuses; the lid is not at fault."""
    held = context.state.holder(event.bin)
    if held is not None and held[1].phase is OpeningPhase.OPENING:
        _give_up(context, *held)


def renew_if_current(context: StepContext, bin_id: str) -> None:
    """Renew the lease of a lid that is open for the current visit."""
    held = context.state.holder(bin_id)
    if held is not None and held[0].id == context.state.current and held[1].phase is OpeningPhase.OPEN:
        renew(context, *held)


def renew(context: StepContext, visit: Visit, opening: Opening) -> bool:
    """Renew an open or closing lid's lease if its limit allows it; return False if it does not."""
    if opening.phase is OpeningPhase.OPENING:
        return True
    limit = opening.opened_at + context.rules.waits.max_open_s
    until = min(context.at + context.rules.lease_s, limit)
    # After a stall the lease may be over before its Tick.
    standing = max(opening.until, context.at) if opening.phase is OpeningPhase.OPEN else context.at
    if until - standing < RENEWAL_S:
        return opening.phase is OpeningPhase.OPEN
    context.emit(OpenLid(visit.id, opening.bin, until - context.at))
    context.put_opening(visit, replace(opening, phase=OpeningPhase.OPEN, until=until, closing_at=inf))
    return True


def lid_opened(context: StepContext, event: LidOpened) -> None:
    """Begin the open phase of a visit's lid; a lid that opened without a command was forced."""
    context.clear_fault(FaultCode.LID_STUCK_SHUT, event.bin)
    _forget_jam(context, event.bin)
    held = context.state.holder(event.bin)
    if held is None:
        if Fault(FaultCode.LID_STUCK_OPEN, event.bin) not in context.state.faults:
            context.raise_fault(FaultCode.LID_FORCED, event.bin)
    elif held[1].phase is OpeningPhase.OPENING:
        # The lease began with the command, one travel limit before OPENING is overdue.
        commanded_at = held[1].until - context.rules.travel_limit_s
        until = max(event.at, commanded_at + context.rules.lease_s)
        blind = not can_see(context, event.bin)
        opened = replace(held[1], phase=OpeningPhase.OPEN, opened_at=event.at, until=until, was_blind=blind)
        context.put_opening(held[0], opened)


def lid_closed(context: StepContext, event: LidClosed) -> None:
    """End the opening of a lid that has shut, and open it for the visit that waits for it."""
    context.clear_fault(FaultCode.LID_STUCK_OPEN, event.bin)
    context.clear_fault(FaultCode.LID_FORCED, event.bin)
    held = context.state.holder(event.bin)
    if held is None or held[1].phase is OpeningPhase.OPENING:
        return  # a lid that has not moved yet still reports shut
    if held[1].phase is OpeningPhase.OPEN:
        context.emit(CloseLid(held[0].id, event.bin))  # shut by hand: its lease ends with it
    _end_opening(context, held[0], held[1], closed_at=event.at)
    _open_for_next(context, event.bin)


def lid_obstructed(context: StepContext, event: LidObstructed) -> None:
    """Ask to clear the obstruction, and extend the closing once for that."""
    held = context.state.holder(event.bin)
    if held is None:
        return
    visit, opening = held
    if opening.phase is OpeningPhase.OPEN and opening.until - event.at < EARLY_S:
        opening = replace(opening, phase=OpeningPhase.CLOSING, closing_at=event.at)
    if opening.phase is not OpeningPhase.CLOSING:
        return
    waits = context.rules.waits
    until = opening.closing_at + waits.obstructed_s + context.rules.travel_limit_s
    context.put_opening(visit, replace(opening, until=until))
    context.say(Say(Prompt.CLEAR_LID, bin=context.rules.bins[event.bin].category), about=visit.id)


def lid_lost(context: StepContext, bin_id: str) -> None:
    """Give up the opening of a lid whose mover does not answer, without calling it jammed.

    A jam needs staff; a mover is usually back in seconds. Open lids keep their opening: they shut when their
    lease ends, and their switch reports it.
    """
    held = context.state.holder(bin_id)
    if held is not None and held[1].phase is OpeningPhase.OPENING:
        context.emit(CloseLid(held[0].id, bin_id))  # in case the mover receives it after all
        _give_up(context, *held)


def motors_stopped(context: StepContext, visit: Visit) -> None:
    """End a visit's openings after every motor was turned off; send no lid command.

    The position of such a lid is unknown. It counts as open until its shut switch reports.
    """
    for opening in visit.openings:
        now = context.state.visit(visit.id)
        if now is None:
            return
        if opening.phase is not OpeningPhase.WAITING:
            context.raise_fault(FaultCode.LID_STUCK_OPEN, opening.bin)
        if opening.opened_at == inf:
            _forget_opening(context, now, opening)
        else:
            _end_opening(context, now, opening, closed_at=None)


def end_lease(context: StepContext, visit: Visit, opening: Opening) -> None:
    """End the lease of an open lid now; one that shuts already is left alone."""
    if opening.phase is OpeningPhase.OPEN:
        _overdue(context, visit, opening)


def shut_all(context: StepContext, visit: Visit) -> None:
    """End the leases of a visit's open lids now, and stop waiting for lids of other visits."""
    for opening in visit.openings:
        now = context.state.visit(visit.id)
        if now is not None and opening.phase is OpeningPhase.OPEN:
            _overdue(context, now, opening)
        elif now is not None and opening.phase is OpeningPhase.WAITING:
            _forget_opening(context, now, opening)


def end_all(context: StepContext, visit: Visit) -> None:
    """End a visit's openings without a report that the lids shut; forget those that never opened."""
    for opening in visit.openings:
        now = context.state.visit(visit.id)
        if now is not None and opening.opened_at == inf:
            _forget_opening(context, now, opening)
        elif now is not None:
            _end_opening(context, now, opening, closed_at=None)


def openings_overdue(context: StepContext, visit: Visit) -> None:
    """Act on every overdue opening of a visit."""
    for opening in visit.openings:
        now = context.state.visit(visit.id)
        if now is not None and opening.until <= context.at:
            _overdue(context, now, opening)


def _overdue(context: StepContext, visit: Visit, opening: Opening) -> None:
    match opening.phase:
        case OpeningPhase.WAITING:
            _forget_opening(context, visit, opening)
            _say_faulty(context, visit, opening)
        case OpeningPhase.OPENING:
            context.emit(CloseLid(visit.id, opening.bin))
            if opening.is_leased:
                _jammed(context, opening.bin)
            _give_up(context, visit, opening)
        case OpeningPhase.OPEN:
            context.emit(CloseLid(visit.id, opening.bin))
            until = context.at + context.rules.travel_limit_s
            closing = replace(opening, phase=OpeningPhase.CLOSING, until=until, closing_at=context.at)
            context.put_opening(visit, closing)
        case OpeningPhase.CLOSING:
            context.raise_fault(FaultCode.LID_STUCK_OPEN, opening.bin)
            _end_opening(context, visit, opening, closed_at=None)
            _open_for_next(context, opening.bin)


def _give_up(context: StepContext, visit: Visit, opening: Opening) -> None:
    """Forget an opening whose lid did not open, and serve the visit that waits for the bin."""
    _forget_opening(context, visit, opening)
    _say_faulty(context, visit, opening)
    _open_for_next(context, opening.bin)


def _say_faulty(context: StepContext, visit: Visit, opening: Opening) -> None:
    prompt = _faulty_prompt(context, opening.bin)
    context.say(Say(prompt, bin=context.rules.bins[opening.bin].category), about=visit.id)


def _end_opening(context: StepContext, visit: Visit, opening: Opening, closed_at: float | None) -> None:
    visit = add_unseen_if_blind(context, visit, opening, was_shut=closed_at is not None)
    facts = OpeningFacts(
        opening.bin,
        round(opening.opened_at - visit.started_at, 3),
        None if closed_at is None else round(closed_at - visit.started_at, 3),
    )
    more_to_open = any(rule.open_by is not OpenBy.ALL for rule in context.rules.bins.values())
    linger_s = context.rules.waits.linger_s if more_to_open and len(context.rules.bins) > 1 else 0.0
    if waits_for_the_eye(context, visit, opening):
        linger_s = max(linger_s, context.rules.waits.unseen_s)
    context.put_visit(
        replace(
            visit,
            openings=tuple(other for other in visit.openings if other.bin != opening.bin),
            closed=(*visit.closed, facts),
            idle_until=context.at + linger_s,
        )
    )


def _forget_opening(context: StepContext, visit: Visit, opening: Opening) -> None:
    context.put_visit(
        replace(visit, openings=tuple(other for other in visit.openings if other.bin != opening.bin))
    )


def _open_for_next(context: StepContext, bin_id: str) -> None:
    """Open a bin for the visit that waits for it, if there is one."""
    for visit in context.state.visits:
        for opening in visit.openings:
            if opening.bin == bin_id and opening.phase is OpeningPhase.WAITING:
                _forget_opening(context, visit, opening)
                waiting = context.state.visit(visit.id)
                refusal = request_opening(context, waiting, bin_id) if waiting else None
                if refusal:
                    context.say(Say(refusal, bin=context.rules.bins[bin_id].category), about=visit.id)
                return
