"""Assigns taps and presses to visits, and opens their lids. Pure."""

from __future__ import annotations

from dataclasses import replace

from cloud_sync.wire.facts import Role
from config.station import OpenBy
from edge.faults import residents_are_blocked
from edge.messages import Granted, Pressed, Prompt, Refused, Say
from edge.visit import emergency, openings
from edge.visit.state import OpeningPhase, Visit
from edge.visit.step_context import StepContext


def granted(context: StepContext, event: Granted) -> None:
    """Open this reader's bins for the visit of this card, or wait for a press on a button."""
    if emergency.is_on(context.state):
        emergency.tapped(context, is_staff=event.role is Role.STAFF)
        return
    if residents_are_blocked(context.state.faults) and event.role is not Role.STAFF:
        context.say(Say(Prompt.OUT_OF_SERVICE))
        return
    targets = [
        rule
        for rule in context.rules.bins.values()
        if rule.open_by is OpenBy.ALL or (rule.open_by is OpenBy.READER and rule.reader == event.reader)
    ]
    visit = _current_of(context, event, {rule.id for rule in targets}) or _take_over(context, event)
    if visit is None:
        context.say(Say(Prompt.WAIT))
        return
    if not targets:
        _await_press(context, visit)
        return
    is_new = not visit.openings and not visit.closed
    answers = []
    for rule in targets:
        now = context.state.visit(visit.id)
        if now is not None:
            refusal = openings.request_opening(context, now, rule.id)
            answers.append(Say(refusal or Prompt.WELCOME, rule.category))
    if any(say.prompt is Prompt.WELCOME for say in answers):
        if is_new:
            context.say(Say(Prompt.WELCOME))
    else:
        context.say(answers[0])


def refused(context: StepContext, event: Refused) -> None:
    """Say why a card opens nothing."""
    del event
    context.say(Say(Prompt.CARD_BLOCKED))


def pressed(context: StepContext, event: Pressed) -> None:
    """Open the bin whose button was pressed, for the current visit."""
    rule = context.rules.bins[event.bin]
    if rule.open_by is not OpenBy.BUTTON:
        return
    visit = context.state.visit(context.state.current)
    if emergency.is_on(context.state):
        context.say(Say(Prompt.EMERGENCY))
    elif visit is None or not _may_add(context, visit, {rule.id}):
        context.say(Say(Prompt.TAP_FIRST))
    elif refusal := openings.request_opening(context, visit, event.bin):
        context.say(Say(refusal, bin=rule.category))


def _current_of(context: StepContext, event: Granted, bins: set[str]) -> Visit | None:
    """Return the current visit if this card may add these bins to it, else None."""
    visit = context.state.visit(context.state.current)
    if visit is None or visit.card != event.card or not _may_add(context, visit, bins):
        return None
    return visit


def _may_add(context: StepContext, visit: Visit, bins: set[str]) -> bool:
    """Return whether a visit is young enough to open more bins, and its event can hold them."""
    is_young = context.at - visit.started_at < context.rules.waits.max_visit_s
    return is_young and not visit.is_full and visit.has_room_for(bins)


def _take_over(context: StepContext, event: Granted) -> Visit | None:
    """Begin a visit for this card; open lids stay with the visit before. None if there are too many."""
    if len(context.state.visits) >= context.rules.max_visits:
        return None
    before = context.state.visit(context.state.current)
    if before is not None:
        kept = tuple(o for o in before.openings if o.phase is not OpeningPhase.WAITING)
        context.put_visit(replace(before, openings=kept, idle_until=event.at))
    number = context.state.next_visit
    visit = Visit(
        number,
        event.card,
        event.credential,
        event.role,
        event.at,
        idle_until=event.at,
        filming=event.filming,
    )
    context.state = replace(
        context.state, visits=(*context.state.visits, visit), current=number, next_visit=number + 1
    )
    return visit


def _await_press(context: StepContext, visit: Visit) -> None:
    if any(rule.open_by is OpenBy.BUTTON for rule in context.rules.bins.values()):
        context.put_visit(replace(visit, idle_until=context.at + context.rules.waits.choose_s))
        context.say(Say(Prompt.CHOOSE))
    else:
        context.say(Say(Prompt.NOTHING_OPENS))
