"""Lids within visits: who may open which, how long, and how an opening ends. Pure.

A lid command is a lease. It is renewed here and nowhere else: by a deposit or another tap of the
visit that is current, never beyond `max_open_s` from when the lid first stood open.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf

from cloud_sync.wire.facts import OpeningFacts
from config.station import OpenBy
from edge.faults import Fault, FaultCode, blocked_bins, station_is_blocked
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
from edge.visit.deposits import add_unseen_if_blind
from edge.visit.state import Jam, Opening, OpeningPhase, Visit
from edge.visit.step_context import Turn

RENEWAL_S = 0.5
"""A lease is renewed only when that gains at least so much."""
JAM_PAUSE_S = 10.0
"""After a jam a resident's card may try the lid again so much later, and twice as late each time."""
JAM_LONGEST_S = 600.0
EARLY_S = 0.5
"""A lid whose clock runs ahead ends its lease by so much before ours is over, at the most."""


def request_opening(turn: Turn, visit: Visit, bin_id: str) -> Prompt | None:
    """Open a bin for a visit, or say why not yet; None when its lid is on its way or open."""
    if station_is_blocked(turn.state.faults):
        return Prompt.EMERGENCY
    held = turn.state.holder(bin_id)
    if held is not None and held[0].id == visit.id:
        return None if renew(turn, visit, held[1]) else Prompt.WAIT
    if refusal := _refusal(turn, visit, bin_id):
        return refusal
    if held is not None:
        until = turn.at + turn.rules.longest_hold_s
        turn.put_opening(visit, Opening(bin_id, OpeningPhase.WAITING, until))
        return Prompt.WAIT
    turn.give(OpenLid(visit.id, bin_id, turn.rules.lease_s))
    until = turn.at + turn.rules.travel_limit_s
    turn.put_opening(visit, Opening(bin_id, OpeningPhase.OPENING, until))
    return None


def _refusal(turn: Turn, visit: Visit, bin_id: str) -> Prompt | None:
    if visit.is_staff:
        return None
    if bin_id in blocked_bins(turn.state.faults) and not _may_try_again(turn, bin_id):
        return Prompt.BIN_FAULTY
    return Prompt.BIN_FULL if bin_id in turn.state.full else None


def _may_try_again(turn: Turn, bin_id: str) -> bool:
    """Whether only a jam blocks a bin, and it is time to see whether its lid is free."""
    jam = turn.state.jam(bin_id)
    others = turn.state.faults - {Fault(FaultCode.LID_STUCK_SHUT, bin_id)}
    return jam is not None and turn.at >= jam.again_at and bin_id not in blocked_bins(others)


def _jammed(turn: Turn, bin_id: str) -> None:
    """A lid whose lease was taken stayed shut: block its bin, and try it again later and later."""
    before = turn.state.jam(bin_id)
    tries = 1 if before is None else before.tries + 1
    pause_s = min(JAM_PAUSE_S * 2.0 ** min(tries - 1, 16), JAM_LONGEST_S)
    _forget_jam(turn, bin_id)
    turn.state = replace(turn.state, jams=(*turn.state.jams, Jam(bin_id, tries, turn.at + pause_s)))
    turn.raise_fault(FaultCode.LID_STUCK_SHUT, bin_id)


def _forget_jam(turn: Turn, bin_id: str) -> None:
    turn.state = replace(turn.state, jams=tuple(jam for jam in turn.state.jams if jam.bin != bin_id))


def lease_taken(turn: Turn, event: LeaseTaken) -> None:
    """What moves a lid took its lease."""
    held = turn.state.holder(event.bin)
    if held is not None and held[1].phase is OpeningPhase.OPENING:
        turn.put_opening(held[0], replace(held[1], is_leased=True))


def lease_refused(turn: Turn, event: LeaseRefused) -> None:
    """A lid is not going to open now, and is not at fault: tell at once."""
    held = turn.state.holder(event.bin)
    if held is not None and held[1].phase is OpeningPhase.OPENING:
        _give_up(turn, *held)


def renew(turn: Turn, visit: Visit, opening: Opening) -> bool:
    """Lengthen an open or closing lid's lease if its limit leaves room; False when it does not."""
    if opening.phase is OpeningPhase.OPENING:
        return True
    limit = opening.opened_at + turn.rules.waits.max_open_s
    until = min(turn.at + turn.rules.lease_s, limit)
    # After a stall the lease may be over before its Tick: nothing is left of it to count on.
    standing = max(opening.until, turn.at) if opening.phase is OpeningPhase.OPEN else turn.at
    if until - standing < RENEWAL_S:
        return opening.phase is OpeningPhase.OPEN
    turn.give(OpenLid(visit.id, opening.bin, until - turn.at))
    turn.put_opening(visit, replace(opening, phase=OpeningPhase.OPEN, until=until, closing_at=inf))
    return True


def lid_opened(turn: Turn, event: LidOpened) -> None:
    """A lid stands open: for a visit, or unasked."""
    turn.clear_fault(FaultCode.LID_STUCK_SHUT, event.bin)
    _forget_jam(turn, event.bin)
    held = turn.state.holder(event.bin)
    if held is None:
        if Fault(FaultCode.LID_STUCK_OPEN, event.bin) not in turn.state.faults:  # else it is known
            turn.raise_fault(FaultCode.LID_FORCED, event.bin)
    elif held[1].phase is OpeningPhase.OPENING:
        # The lease runs from the command, which went out one travel limit before OPENING is overdue.
        commanded_at = held[1].until - turn.rules.travel_limit_s
        until = max(event.at, commanded_at + turn.rules.lease_s)
        opened = replace(held[1], phase=OpeningPhase.OPEN, opened_at=event.at, until=until)
        turn.put_opening(held[0], opened)


def lid_closed(turn: Turn, event: LidClosed) -> None:
    """A lid is shut: its opening is over, and whoever waited for the bin is next."""
    turn.clear_fault(FaultCode.LID_STUCK_OPEN, event.bin)
    turn.clear_fault(FaultCode.LID_FORCED, event.bin)
    held = turn.state.holder(event.bin)
    if held is None or held[1].phase is OpeningPhase.OPENING:
        return  # a lid that has not moved yet still rests on its shut switch
    if held[1].phase is OpeningPhase.OPEN:
        turn.give(CloseLid(held[0].id, event.bin))  # shut by hand: its lease ends with it
    _end_opening(turn, held[0], held[1], closed_at=event.at)
    _open_for_next(turn, event.bin)


def lid_obstructed(turn: Turn, event: LidObstructed) -> None:
    """Something is in the way: give it time to be cleared, once for each closing."""
    held = turn.state.holder(event.bin)
    if held is None:
        return
    visit, opening = held
    if opening.phase is OpeningPhase.OPEN and opening.until - event.at < EARLY_S:
        opening = replace(opening, phase=OpeningPhase.CLOSING, closing_at=event.at)
    if opening.phase is not OpeningPhase.CLOSING:
        return
    waits = turn.rules.waits
    until = opening.closing_at + waits.obstructed_s + turn.rules.travel_limit_s
    turn.put_opening(visit, replace(opening, until=until))
    turn.say(Say(Prompt.CLEAR_LID, bin=turn.rules.bins[event.bin].category), about=visit.id)


def lid_lost(turn: Turn, bin_id: str) -> None:
    """Whatever moves a lid does not answer: a lid that was about to open is given up, and no jam is blamed.

    A jam stays until somebody of the staff has opened the lid; what moves it is back in seconds. Lids that
    stand open keep their opening, since they shut by themselves and are told of then.
    """
    held = turn.state.holder(bin_id)
    if held is not None and held[1].phase is OpeningPhase.OPENING:
        turn.give(CloseLid(held[0].id, bin_id))  # should it hear that yet
        _give_up(turn, *held)


def motors_stopped(turn: Turn, visit: Visit) -> None:
    """Every motor was turned off: a visit's openings end where their lids are, and nothing is commanded.

    Where a lid stands nobody knows then. It counts as open until its shut switch says otherwise.
    """
    for opening in visit.openings:
        now = turn.state.visit(visit.id)
        if now is None:
            return
        if opening.phase is not OpeningPhase.WAITING:
            turn.raise_fault(FaultCode.LID_STUCK_OPEN, opening.bin)
        if opening.opened_at == inf:
            _forget_opening(turn, now, opening)
        else:
            _end_opening(turn, now, opening, closed_at=None)


def shut_all(turn: Turn, visit: Visit) -> None:
    """End the leases of a visit's open lids now, and give up waiting for lids of others."""
    for opening in visit.openings:
        now = turn.state.visit(visit.id)
        if now is not None and opening.phase is OpeningPhase.OPEN:
            _overdue(turn, now, opening)
        elif now is not None and opening.phase is OpeningPhase.WAITING:
            _forget_opening(turn, now, opening)


def end_all(turn: Turn, visit: Visit) -> None:
    """End a visit's openings without having seen their lids shut; one that never opened is forgotten."""
    for opening in visit.openings:
        now = turn.state.visit(visit.id)
        if now is not None and opening.opened_at == inf:
            _forget_opening(turn, now, opening)
        elif now is not None:
            _end_opening(turn, now, opening, closed_at=None)


def openings_overdue(turn: Turn, visit: Visit) -> None:
    """Act on every opening of a visit whose time has come."""
    for opening in visit.openings:
        now = turn.state.visit(visit.id)
        if now is not None and opening.until <= turn.at:
            _overdue(turn, now, opening)


def _overdue(turn: Turn, visit: Visit, opening: Opening) -> None:
    match opening.phase:
        case OpeningPhase.WAITING:
            _forget_opening(turn, visit, opening)
            _say_faulty(turn, visit, opening)
        case OpeningPhase.OPENING:
            turn.give(CloseLid(visit.id, opening.bin))
            if opening.is_leased:
                _jammed(turn, opening.bin)
            _give_up(turn, visit, opening)
        case OpeningPhase.OPEN:
            turn.give(CloseLid(visit.id, opening.bin))
            until = turn.at + turn.rules.travel_limit_s
            closing = replace(opening, phase=OpeningPhase.CLOSING, until=until, closing_at=turn.at)
            turn.put_opening(visit, closing)
        case OpeningPhase.CLOSING:
            turn.raise_fault(FaultCode.LID_STUCK_OPEN, opening.bin)
            _end_opening(turn, visit, opening, closed_at=None)
            _open_for_next(turn, opening.bin)


def _give_up(turn: Turn, visit: Visit, opening: Opening) -> None:
    """A lid did not open, and is not to open any more for this visit."""
    _forget_opening(turn, visit, opening)
    _say_faulty(turn, visit, opening)
    _open_for_next(turn, opening.bin)


def _say_faulty(turn: Turn, visit: Visit, opening: Opening) -> None:
    turn.say(Say(Prompt.BIN_FAULTY, bin=turn.rules.bins[opening.bin].category), about=visit.id)


def _end_opening(turn: Turn, visit: Visit, opening: Opening, closed_at: float | None) -> None:
    visit = add_unseen_if_blind(turn, visit, opening, was_shut=closed_at is not None)
    facts = OpeningFacts(
        opening.bin,
        round(opening.opened_at - visit.started_at, 3),
        None if closed_at is None else round(closed_at - visit.started_at, 3),
    )
    more_to_open = any(rule.open_by is not OpenBy.ALL for rule in turn.rules.bins.values())
    linger_s = turn.rules.waits.linger_s if more_to_open and len(turn.rules.bins) > 1 else 0.0
    turn.put(
        replace(
            visit,
            openings=tuple(other for other in visit.openings if other.bin != opening.bin),
            closed=(*visit.closed, facts),
            idle_until=turn.at + linger_s,
        )
    )


def _forget_opening(turn: Turn, visit: Visit, opening: Opening) -> None:
    turn.put(replace(visit, openings=tuple(other for other in visit.openings if other.bin != opening.bin)))


def _open_for_next(turn: Turn, bin_id: str) -> None:
    """Serve the one visit that waits for this bin, if there is one."""
    for visit in turn.state.visits:
        for opening in visit.openings:
            if opening.bin == bin_id and opening.phase is OpeningPhase.WAITING:
                _forget_opening(turn, visit, opening)
                waiting = turn.state.visit(visit.id)
                refusal = request_opening(turn, waiting, bin_id) if waiting else None
                if refusal:
                    turn.say(Say(refusal, bin=turn.rules.bins[bin_id].category), about=visit.id)
                return
