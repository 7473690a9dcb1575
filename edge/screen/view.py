"""Derives the screen from the station: the last prompt, verdict and points. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cloud_sync.rules.award_rules import Outcome
from cloud_sync.wire.station_state import CabinetReading
from edge.faults import blocked_bins, station_is_blocked
from edge.messages import Prompt, Say
from edge.part_kinds import kind_of
from edge.screen.awards import ShownAward
from edge.screen.prompts import PromptRenderer
from edge.screen.state import (
    LiveFault,
    LivePoints,
    LiveState,
    LiveText,
    LiveVerdict,
    NextAction,
    bins_of,
    next_action,
)
from edge.visit.state import Deposit, DepositPhase, OpeningPhase, State, Visit, VisitRules

HELD_PROMPTS = frozenset({Prompt.POINTS_HELD, Prompt.POINTS_HELD_BEFORE})
"""Prompts of an award that waits until its card is registered."""


@dataclass(frozen=True, slots=True)
class LastShown:
    """The last prompt and verdict that the screen still shows."""

    said: LiveText | None = None
    prompt: Prompt | None = None
    """The prompt that `said` was rendered from."""
    verdict: LiveVerdict | None = None
    visit: int | None = None


def note_said(last: LastShown, say: Say, prompts: PromptRenderer) -> LastShown:
    """Return what the screen shows after a prompt."""
    words = prompts.render(say)
    return replace(last, said=LiveText(words.zh, words.en), prompt=say.prompt)


def award_of(say: Say) -> ShownAward | None:
    """Return the award that a prompt announces; None for any other prompt."""
    if say.visit is None or say.points is None:
        return None
    return ShownAward(say.visit, say.points, say.prompt in HELD_PROMPTS)


def shown_visit(last: LastShown, state: State) -> Visit | None:
    """Return the visit on the screen: the current one, else the last one until it is on the disk."""
    return state.visit(last.visit if state.current is None else state.current)


def note_state(
    last: LastShown, state: State, outcomes: Mapping[int, Outcome], prompts: PromptRenderer
) -> LastShown:
    """Return what the screen shows after a change: a new visit clears it, a judged deposit shows its verdict.

    `outcomes` are those of the shown visit's judged deposits, by number.
    """
    if last.prompt is not None and _is_stale(last.prompt, state):
        last = replace(last, said=None, prompt=None)
    visit = shown_visit(last, state)
    if visit is None:
        return last
    if visit.id != last.visit:
        last = LastShown(said=last.said, prompt=last.prompt, visit=visit.id)
    judged = [deposit for deposit in visit.deposits if deposit.phase is DepositPhase.JUDGED]
    if not judged:
        return last
    newest = judged[-1]
    return replace(last, verdict=_verdict(newest, outcomes[newest.number], prompts))


def _is_stale(prompt: Prompt, state: State) -> bool:
    """Return whether a prompt no longer applies: a prompt about an obstruction must end with it."""
    phases = {opening.phase for visit in state.visits for opening in visit.openings}
    match prompt:
        case Prompt.CLEAR_LID:
            return OpeningPhase.CLOSING not in phases
        case Prompt.WAIT:
            return not phases
        case Prompt.EMERGENCY | Prompt.EMERGENCY_HELD:
            return not station_is_blocked(state.faults)
        case _:
            return False


def _verdict(deposit: Deposit, outcome: Outcome, prompts: PromptRenderer) -> LiveVerdict:
    if deposit.verdict is None:
        return LiveVerdict(deposit.bin, outcome, None, None, None, None)
    verdict = deposit.verdict
    name = None if verdict.label is None else prompts.label(verdict.label)
    return LiveVerdict(
        deposit.bin,
        outcome,
        verdict.state,
        verdict.category,
        None if name is None else LiveText(name.zh, name.en),
        verdict.probability,
    )


@dataclass(frozen=True, slots=True)
class StationLabel:
    """Names of this station: its slugs for the ledger, and its name for people."""

    community: str
    station: str
    name: LiveText


@dataclass(frozen=True, slots=True)
class OnScreen:
    """What the screen shows of visits; `picture` counts pictures, 0 while there is none."""

    last: LastShown
    award: ShownAward | None
    picture: int


def live_state(  # noqa: PLR0913 (all that a screen shows)
    shown: OnScreen,
    state: State,
    rules: VisitRules,
    label: StationLabel,
    *,
    outbox: int,
    roster_age_s: float | None,
    written_s: float,
    readings: tuple[CabinetReading, ...],
) -> LiveState:
    """Return everything the screen shows, at one moment."""
    return LiveState(
        community=label.community,
        station=label.station,
        name=label.name,
        written_s=written_s,
        next=_next(shown.last.prompt, state),
        bins=bins_of(state, rules, blocked_bins(state.faults)),
        verdict=shown.last.verdict,
        said=shown.last.said,
        points=None if shown.award is None else _points(shown.award, state),
        faults=tuple(
            LiveFault(fault.code, fault.part, kind_of(fault.code, fault.part))
            for fault in sorted(state.faults)
        ),
        picture=shown.picture,
        outbox=outbox,
        roster_age_s=roster_age_s,
        readings=readings,
    )


def _next(prompt: Prompt | None, state: State) -> NextAction:
    """Return what the screen asks for; an idle station that the office asked for shows that."""
    action = next_action(state)
    is_idle = action in {NextAction.TAP, NextAction.CLOSED}
    return NextAction.IDENTIFY if is_idle and prompt is Prompt.IDENTIFY else action


def _points(award: ShownAward, state: State) -> LivePoints:
    is_followed = state.current not in (None, award.visit)
    return LivePoints(award.points, award.held, award.visit, before=is_followed)
