"""Keeps what the screen shows in step with the station: what was said, seen and earned last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cloud_sync.rules.award_rules import Outcome
from config.sorting import Category, Sorting
from config.words import Both, Words
from edge.faults import blocked_bins
from edge.messages import Prompt, Say
from edge.part_kinds import kind_of
from edge.screen.state import (
    LiveFault,
    LivePoints,
    LiveState,
    LiveText,
    LiveVerdict,
    bins_of,
    next_action,
)
from edge.visit.state import Deposit, DepositPhase, State, Visit, VisitRules

_SHOWS_POINTS = {Prompt.POINTS, Prompt.POINTS_HELD, Prompt.NO_POINTS}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words a station speaks with: prompts, the city's categories, the model's labels."""

    words: Words
    sorting: Sorting
    labels: Mapping[str, Both]

    def spoken(self, say: Say) -> Both:
        """A prompt in both languages, its places filled."""
        points = "" if say.points is None else str(say.points)
        values = {
            "points": Both(points, points),
            "label": self.label(say.label),
            "bin": self._category(say.bin),
            "belongs": self._category(say.belongs),
        }
        return self.words.said(say.prompt, values)

    def _category(self, category: Category | None) -> Both:
        if category is None:
            return Both("", "")
        face = self.sorting.category[category]
        return Both(face.zh, face.en)

    def label(self, label: str | None) -> Both:
        """A fine label's names; the key itself when the bundle names none."""
        if label is None:
            return Both("", "")
        return self.labels.get(label, Both(label, label))


@dataclass(frozen=True, slots=True)
class Seen:
    """What was shown last and still stands on the screen."""

    said: LiveText | None = None
    verdict: LiveVerdict | None = None
    points: LivePoints | None = None
    visit: int | None = None


def note_said(seen: Seen, say: Say, vocabulary: Vocabulary) -> Seen:
    """After a prompt was spoken."""
    spoken = vocabulary.spoken(say)
    seen = replace(seen, said=LiveText(spoken.zh, spoken.en))
    if say.prompt in _SHOWS_POINTS and say.points is not None:
        return replace(seen, points=LivePoints(say.points, say.prompt is Prompt.POINTS_HELD))
    return seen


def shown_visit(seen: Seen, state: State) -> Visit | None:
    """The visit on the screen: the current one, else the last until it is on the disk."""
    return state.visit(seen.visit if state.current is None else state.current)


def note_state(seen: Seen, state: State, outcomes: Mapping[int, Outcome], vocabulary: Vocabulary) -> Seen:
    """After the state changed: a new visit clears the screen, a judged deposit shows its verdict.

    `outcomes` are those of the shown visit's judged deposits, by number.
    """
    visit = shown_visit(seen, state)
    if visit is None:
        return seen
    if visit.id != seen.visit:
        seen = Seen(said=seen.said, visit=visit.id)
    judged = [deposit for deposit in visit.deposits if deposit.phase is DepositPhase.JUDGED]
    if not judged:
        return seen
    last = judged[-1]
    return replace(seen, verdict=_verdict(last, outcomes[last.number], vocabulary))


def _verdict(deposit: Deposit, outcome: Outcome, vocabulary: Vocabulary) -> LiveVerdict:
    if deposit.verdict is None:
        return LiveVerdict(deposit.bin, outcome, None, None, None, None)
    verdict = deposit.verdict
    name = None if verdict.label is None else vocabulary.label(verdict.label)
    return LiveVerdict(
        deposit.bin,
        outcome,
        verdict.state,
        verdict.category,
        None if name is None else LiveText(name.zh, name.en),
        verdict.probability,
    )


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What the screen says of the station itself."""

    community: str
    station: str
    picture: int
    outbox: int


def live_state(
    seen: Seen, state: State, rules: VisitRules, where: Whereabouts, written_s: float
) -> LiveState:
    """Everything the screen shows, at one moment."""
    return LiveState(
        community=where.community,
        station=where.station,
        written_s=written_s,
        next=next_action(state),
        bins=bins_of(state, rules, blocked_bins(state.faults)),
        verdict=seen.verdict,
        said=seen.said,
        points=seen.points,
        faults=tuple(
            LiveFault(fault.code, fault.part, kind_of(fault.code, fault.part))
            for fault in sorted(state.faults)
        ),
        picture=where.picture,
        outbox=where.outbox,
    )
