"""Compute what a visit earns, and what the ledger settles of it. Pure, shared by station and ledger."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from cloud_sync.wire.facts import DepositFacts, Role
from config.sorting import Category
from models.verdict import VerdictState

Points = Annotated[int, Meta(ge=0, le=10_000)]


class Outcome(StrEnum):
    """The outcome of one deposit."""

    RIGHT = "right"
    WRONG = "wrong"
    UNSURE = "unsure"
    UNSEEN = "unseen"
    NOTHING = "nothing"
    """The picture showed no waste: a hand, a shadow, an empty tray."""


class LoweredBy(StrEnum):
    """Why points were not given in full."""

    DAILY_POINTS = "daily_points"
    DAILY_DEPOSITS = "daily_deposits"
    STAFF = "staff"
    RECOUNTED = "recounted"
    """The station's sum was larger than its facts earn under the rules that it names."""


class HeldBy(StrEnum):
    """Why points wait."""

    UNKNOWN_CARD = "unknown_card"
    CHEATING = "cheating"
    """Strong signs of cheating; a person decides."""
    MINT_LIMIT = "mint_limit"
    """The station brought more in a day than is plausible."""
    CLONED = "cloned_journal"
    """Two stations sent the same journal."""
    BACKDATED = "backdated"
    """The visit is older than an event received now can be."""
    LEDGER_CLOCK = "ledger_clock"
    """Only the ledger's clock could date the visit, and it is in doubt; waits until it is believed again."""


class OutcomePoints(Struct, frozen=True, forbid_unknown_fields=True):
    """Points for the outcomes that do not depend on a category."""

    neutral: Points
    wrong: Points


class DailyCaps(Struct, frozen=True, forbid_unknown_fields=True):
    """The most that one household or one unknown card can earn in a calendar day."""

    points: Points
    deposits: Annotated[int, Meta(ge=0, le=1000)]


class AwardRules(Struct, frozen=True, forbid_unknown_fields=True):
    """One version of the rules; it never changes once used."""

    version: Annotated[int, Meta(ge=1)]
    right: dict[Category, Points]
    points: OutcomePoints
    daily: DailyCaps

    def __post_init__(self) -> None:
        """Raise ValueError unless every category has points."""
        if missing := [category.value for category in Category if category not in self.right]:
            msg = f"right: no points for {', '.join(missing)}"
            raise ValueError(msg)


class Tally(Struct, frozen=True, gc=False):
    """What the day has already earned before this visit."""

    points: int = 0
    deposits: int = 0


class Line(Struct, frozen=True, gc=False):
    """One deposit's share: `points` given out of `full`; `lowered_by` says why they differ."""

    outcome: Outcome
    full: int
    points: int
    lowered_by: LoweredBy | None = None


class Award(Struct, frozen=True, gc=False):
    """What one visit earns: a line for each deposit, in order."""

    lines: tuple[Line, ...]

    @property
    def points(self) -> int:
        """The sum over all lines."""
        return sum([line.points for line in self.lines])  # faster than a generator for so few lines

    @property
    def counted(self) -> int:
        """How many deposits count against the daily limit of deposits."""
        return sum([line.outcome is not _NOTHING for line in self.lines])


class Settlement(Struct, frozen=True, gc=False):
    """The settlement of one visit: settled + held + lowered = provisional."""

    settled: int
    held: int
    lowered: int
    lowered_by: LoweredBy | None = None
    held_by: HeldBy | None = None


# Looking up an enum member costs more than the work done with it.
_RIGHT, _WRONG, _NOTHING = Outcome.RIGHT, Outcome.WRONG, Outcome.NOTHING
_UNSURE, _UNSEEN = Outcome.UNSURE, Outcome.UNSEEN
_EMPTY_VERDICT, _UNSURE_VERDICT, _STAFF = VerdictState.EMPTY, VerdictState.UNSURE, Role.STAFF


def outcome_of(deposit: DepositFacts) -> Outcome:
    """Return the outcome of one deposit; doubt never counts against the resident."""
    verdict = deposit.verdict
    if verdict is None:
        return _UNSEEN
    if verdict.state is _EMPTY_VERDICT:
        return _NOTHING
    if verdict.state is _UNSURE_VERDICT:
        return _UNSURE
    return _RIGHT if verdict.category is deposit.bin_category else _WRONG


def award(deposits: Sequence[DepositFacts], role: Role, rules: AwardRules, tally: Tally) -> Award:
    """Compute what these deposits earn on top of the day's tally. Staff earn nothing."""
    lines: list[Line] = []
    points_left = max(0, rules.daily.points - tally.points)
    deposits_left = max(0, rules.daily.deposits - tally.deposits)
    for deposit in deposits:
        line = _line(deposit, role, rules, points_left, deposits_left)
        lines.append(line)
        points_left -= line.points
        deposits_left -= line.outcome is not _NOTHING
    return Award(tuple(lines))


def _line(deposit: DepositFacts, role: Role, rules: AwardRules, points_left: int, deposits_left: int) -> Line:
    outcome = outcome_of(deposit)
    full = _full_points(outcome, deposit.bin_category, rules)
    if outcome is _NOTHING:
        return Line(outcome, 0, 0)
    if role is _STAFF:
        return Line(outcome, full, 0, LoweredBy.STAFF)
    if deposits_left <= 0:
        return Line(outcome, full, 0, LoweredBy.DAILY_DEPOSITS)
    if full > points_left:
        return Line(outcome, full, points_left, LoweredBy.DAILY_POINTS)
    return Line(outcome, full, full)


def _full_points(outcome: Outcome, category: Category, rules: AwardRules) -> int:
    if outcome is _RIGHT:
        return rules.right[category]
    if outcome is _WRONG:
        return rules.points.wrong
    return 0 if outcome is _NOTHING else rules.points.neutral


def settle(
    provisional: int,
    earned: Award,
    *,
    bound: bool,
    suspected: bool = False,
    mintable: int | None = None,
    doubt: HeldBy | None = None,
) -> Settlement:
    """Settle a visit whose facts earn `earned`; `bound` says that its card belongs to a household.

    Never give more than the station announced: a station that forgot an award cannot mint by asking again.
    Points wait for a person if there is a `doubt` about the visit itself, if they exceed what the station
    may still bring that day (`mintable`; None for no limit), or if the card is `suspected`.
    """
    due = min(provisional, earned.points)
    lowered = provisional - due
    reason = _why_lowered(earned) if lowered else None
    held_by = doubt if doubt and due else _why_held(due, bound=bound, suspected=suspected, mintable=mintable)
    if held_by is None:
        return Settlement(settled=due, held=0, lowered=lowered, lowered_by=reason)
    return Settlement(settled=0, held=due, lowered=lowered, lowered_by=reason, held_by=held_by)


def _why_held(due: int, *, bound: bool, suspected: bool, mintable: int | None) -> HeldBy | None:
    if due == 0:
        return None
    if mintable is not None and due > mintable:
        return HeldBy.MINT_LIMIT
    if suspected:
        return HeldBy.CHEATING
    return None if bound else HeldBy.UNKNOWN_CARD


def _why_lowered(earned: Award) -> LoweredBy:
    return next((line.lowered_by for line in earned.lines if line.lowered_by), LoweredBy.RECOUNTED)
