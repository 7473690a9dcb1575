"""The visit: step(state, event, rules) -> state, commands. Pure; the heart of the station.

bytes -> Tap -> Granted -> [OpenLid, Say] -> LidOpened -> ChamberChanged -> [Capture] -> PhotosTaken
-> [Classify] -> Classified -> [Say] -> LidClosed -> [Record] -> Recorded -> [Say points]
"""

from __future__ import annotations

from dataclasses import replace

from cloud_sync.rules.award_rules import Outcome
from cloud_sync.wire.facts import Role, VisitFacts
from config.station import OpenBy
from edge.faults import JOURNAL_REFUSALS, LIDS_AWAY, FaultCode
from edge.messages import (
    BinEvent,
    CaptureFailed,
    ChamberChanged,
    ChamberStirred,
    Classified,
    ClassifyFailed,
    Command,
    FaultCleared,
    FaultRaised,
    Granted,
    LeaseRefused,
    LeaseTaken,
    LevelChanged,
    LidClosed,
    LidObstructed,
    LidOpened,
    PhotosTaken,
    Pressed,
    Prompt,
    Record,
    RecordDelayed,
    Recorded,
    RecordFailed,
    Refused,
    Say,
    StopRequested,
    Tick,
    VisitEvent,
)
from edge.visit import deposits, emergency, openings, stopping
from edge.visit.state import OpeningPhase, State, Visit, VisitRules
from edge.visit.step_context import Turn

JOURNAL = "journal"
"""The part that faults of the station's disk name."""
MOMENT_S = 2.0
"""How long a resident waits for points after the disk refused once: two more attempts fall into it."""


def step(state: State, event: VisitEvent, rules: VisitRules) -> tuple[State, tuple[Command, ...]]:
    """The state after an event, and what is to be done. Events must come in the order of their `at`."""
    turn = Turn(state, event.at, rules)
    _handle(turn, event)
    turn.each_visit(_finish_if_ready)
    return turn.state, tuple(turn.commands)


def _handle(turn: Turn, event: VisitEvent) -> None:  # noqa: C901, PLR0912, PLR0915 (one row an event)
    if isinstance(event, BinEvent) and event.bin not in turn.rules.bins:
        return  # a wire that belongs to no bin of ours
    match event:
        case Granted():
            _granted(turn, event)
        case Refused():
            turn.say(Say(Prompt.CARD_BLOCKED))
        case Pressed():
            _pressed(turn, event)
        case LidOpened():
            openings.lid_opened(turn, event)
        case LidClosed():
            openings.lid_closed(turn, event)
        case LidObstructed():
            openings.lid_obstructed(turn, event)
        case LeaseTaken():
            openings.lease_taken(turn, event)
        case LeaseRefused():
            openings.lease_refused(turn, event)
        case ChamberChanged():
            _chamber_changed(turn, event)
        case ChamberStirred():
            _renew_if_current(turn, event.bin)
        case LevelChanged():
            full = turn.state.full - {event.bin} | ({event.bin} if event.full else set())
            turn.state = replace(turn.state, full=full)
        case PhotosTaken():
            deposits.photos_taken(turn, event)
        case CaptureFailed():
            deposits.capture_failed(turn, event)
        case Classified():
            deposits.classified(turn, event)
        case ClassifyFailed():
            deposits.classify_failed(turn, event)
        case Recorded():
            _recorded(turn, event)
        case RecordDelayed():
            _record_delayed(turn, event)
        case RecordFailed():
            _not_recorded(turn, turn.state.visit(event.visit), Prompt.NOT_SAVED, FaultCode.JOURNAL_FAILED)
        case FaultRaised() if event.fault in emergency.BEGUN_BY:
            emergency.begin(turn, event)
        case FaultRaised():
            turn.raise_fault(event.fault, event.part)
            if event.fault in LIDS_AWAY:
                openings.lid_lost(turn, event.part)
        case FaultCleared():
            turn.clear_fault(event.fault, event.part)
            emergency.mover_changed(turn, event)
        case StopRequested():
            stopping.stop_requested(turn, event)
        case Tick():
            turn.each_visit(deposits.deposits_overdue)
            turn.each_visit(openings.openings_overdue)
            turn.each_visit(_recording_overdue)


def _granted(turn: Turn, event: Granted) -> None:
    if emergency.is_on(turn.state):
        emergency.tapped(turn, is_staff=event.role is Role.STAFF)
        return
    targets = [
        rule
        for rule in turn.rules.bins.values()
        if rule.open_by is OpenBy.ALL or (rule.open_by is OpenBy.READER and rule.reader == event.reader)
    ]
    visit = _current_of(turn, event, {rule.id for rule in targets}) or _take_over(turn, event)
    if visit is None:
        turn.say(Say(Prompt.WAIT))
        return
    if not targets:
        _await_press(turn, visit)
        return
    is_new = not visit.openings and not visit.closed
    answers = []
    for rule in targets:
        now = turn.state.visit(visit.id)
        if now is not None:
            answers.append(Say(openings.request_opening(turn, now, rule.id) or Prompt.WELCOME, rule.category))
    if any(say.prompt is Prompt.WELCOME for say in answers):
        if is_new:
            turn.say(Say(Prompt.WELCOME))
    else:
        turn.say(answers[0])


def _current_of(turn: Turn, event: Granted, bins: set[str]) -> Visit | None:
    """The current visit, if this card may add these bins to it."""
    visit = turn.state.visit(turn.state.current)
    if visit is None or visit.card != event.card or not _may_add(turn, visit, bins):
        return None
    return visit


def _may_add(turn: Turn, visit: Visit, bins: set[str]) -> bool:
    """Whether a visit is young enough to open more, and its event can hold it."""
    is_young = turn.at - visit.started_at < turn.rules.waits.max_visit_s
    return is_young and not visit.is_full and visit.has_room_for(bins)


def _take_over(turn: Turn, event: Granted) -> Visit | None:
    """A new visit for this card; lids already open stay with the visit before. None when too many wait."""
    if len(turn.state.visits) >= turn.rules.max_visits:
        return None
    before = turn.state.visit(turn.state.current)
    if before is not None:
        kept = tuple(o for o in before.openings if o.phase is not OpeningPhase.WAITING)
        turn.put(replace(before, openings=kept, idle_until=event.at))
    number = turn.state.next_visit
    visit = Visit(number, event.card, event.credential, event.role, event.at, idle_until=event.at)
    turn.state = replace(
        turn.state, visits=(*turn.state.visits, visit), current=number, next_visit=number + 1
    )
    return visit


def _await_press(turn: Turn, visit: Visit) -> None:
    if any(rule.open_by is OpenBy.BUTTON for rule in turn.rules.bins.values()):
        turn.put(replace(visit, idle_until=turn.at + turn.rules.waits.choose_s))
        turn.say(Say(Prompt.CHOOSE))
    else:
        turn.say(Say(Prompt.BIN_FAULTY))


def _pressed(turn: Turn, event: Pressed) -> None:
    rule = turn.rules.bins[event.bin]
    if rule.open_by is not OpenBy.BUTTON:
        return
    visit = turn.state.visit(turn.state.current)
    if emergency.is_on(turn.state):
        turn.say(Say(Prompt.EMERGENCY))
    elif visit is None or not _may_add(turn, visit, {rule.id}):
        turn.say(Say(Prompt.TAP_FIRST))
    elif refusal := openings.request_opening(turn, visit, event.bin):
        turn.say(Say(refusal, bin=rule.category))


def _chamber_changed(turn: Turn, event: ChamberChanged) -> None:
    if deposits.chamber_changed(turn, event) and not event.by_scale:
        _renew_if_current(turn, event.bin)


def _renew_if_current(turn: Turn, bin_id: str) -> None:
    """Lengthen the lease of a lid that stands open for the visit that is current."""
    held = turn.state.holder(bin_id)
    if held is not None and held[0].id == turn.state.current and held[1].phase is OpeningPhase.OPEN:
        openings.renew(turn, *held)


def _finish_if_ready(turn: Turn, visit: Visit) -> None:
    """Send a visit to the disk once nothing of it is outstanding; one that opened no lid just ends."""
    waits_for_more = turn.state.current == visit.id and turn.at < visit.idle_until
    if visit.recording_until is not None or visit.is_busy or waits_for_more:
        return
    if not visit.closed:
        turn.drop(visit)
        return
    turn.put(replace(visit, recording_until=turn.at + turn.rules.waits.record_s))
    if turn.state.current == visit.id:
        turn.state = replace(turn.state, current=None)
    turn.give(Record(visit.id, _facts(turn, visit)))


def _facts(turn: Turn, visit: Visit) -> VisitFacts:
    return VisitFacts(
        card=visit.card,
        credential=visit.credential,
        role=visit.role,
        duration_s=round(turn.at - visit.started_at, 3),
        openings=visit.closed,
        deposits=tuple(deposits.deposit_facts(turn.rules, visit, deposit) for deposit in visit.deposits),
        rules=0,
        provisional=0,
    )


def _recorded(turn: Turn, event: Recorded) -> None:
    visit = turn.state.visit(event.visit)
    if visit is None or visit.recording_until is None:
        return
    turn.drop(visit)
    turn.say(Say(_closing_words(visit, event), points=event.award.points), about=visit.id)


def _closing_words(visit: Visit, event: Recorded) -> Prompt:
    if visit.is_staff:
        return Prompt.STAFF_DONE
    if all(line.outcome is Outcome.NOTHING for line in event.award.lines):
        return Prompt.NO_DEPOSIT
    if event.award.points == 0:
        return Prompt.NO_POINTS
    return Prompt.POINTS_HELD if visit.role is Role.UNKNOWN else Prompt.POINTS


def _recording_overdue(turn: Turn, visit: Visit) -> None:
    if visit.recording_until is not None and visit.recording_until <= turn.at:
        _not_recorded(turn, visit, Prompt.SAVED_LATER, FaultCode.JOURNAL_SILENT)


def _record_delayed(turn: Turn, event: RecordDelayed) -> None:
    """Give the next attempt a moment to come in time; the resident need not wait for all of them."""
    visit = turn.state.visit(event.visit)
    if visit is not None and visit.recording_until is not None:
        turn.put(replace(visit, recording_until=min(visit.recording_until, event.at + MOMENT_S)))


def _not_recorded(turn: Turn, visit: Visit | None, prompt: Prompt, fault: FaultCode) -> None:
    """End a visit that the disk has not taken, and say so; `fault` unless the cause is known already."""
    if not any(active.code in JOURNAL_REFUSALS for active in turn.state.faults):
        turn.raise_fault(fault, JOURNAL)
    if visit is not None and visit.recording_until is not None:
        turn.drop(visit)
        turn.say(Say(prompt), about=visit.id)
