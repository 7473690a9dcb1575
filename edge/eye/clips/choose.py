"""Which deposits are kept as a clip, and why; a day's budget goes to the most informative ones. Pure.

The budget is spent by exchange: while there is room, each chosen deposit is kept; after that one is kept only
in exchange for a less informative clip of the same day, which is deleted. So a day ends with its most
informative deposits, although nobody knows in the morning what the evening brings. Random clips have a share
of the budget of their own, because only a sample that nothing else crowds out measures how often the model
is right.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from config.sorting import Category
from models.verdict import Verdict, VerdictState


class ClipReason(StrEnum):
    """Why a deposit was kept."""

    ALARM = "alarm"
    """An alarm of its bin or of the station was active."""
    APPEAL = "appeal"
    """The household has an appeal that is not decided yet."""
    DISAGREEMENT = "disagreement"
    """The model is sure of another category than the bin's, or the frames' own votes differ."""
    UNSURE = "unsure"
    GOLD = "gold"
    """The model is very sure and right: a candidate for the clips that readers are tested with."""
    RANDOM = "random"


OUTSIDE_THE_BUDGET = frozenset({ClipReason.ALARM, ClipReason.APPEAL})
RANK = {
    ClipReason.DISAGREEMENT: 3,
    ClipReason.UNSURE: 2,
    ClipReason.GOLD: 1,
    ClipReason.RANDOM: 0,
    ClipReason.APPEAL: 4,
    ClipReason.ALARM: 5,
}
"""The higher, the longer a clip is kept."""
GOLD_FROM = 0.98
"""Least probability of a gold candidate."""
GOLD_SHARE = 0.1
"""Share of the deposits that could be gold candidates which are chosen as one: there are many."""


@dataclass(frozen=True, slots=True)
class Chances:
    """Two random numbers from 0 to 1, drawn by the caller for one deposit."""

    sample: float
    gold: float


@dataclass(frozen=True, slots=True)
class SeenDeposit:
    """What is known of a deposit when it is judged. `verdict` is None if no model judged it."""

    bin_category: Category
    verdict: Verdict | None
    votes_differ: bool = False
    has_alarm: bool = False
    is_appealed: bool = False


@dataclass(frozen=True, slots=True)
class Budget:
    """How many clips a station keeps of one day, and the share of deposits that are chosen at random."""

    daily: int
    random_share: float

    @property
    def for_random(self) -> int:
        """The part of the day's clips that only random ones may use."""
        return self.daily // 5


@dataclass(frozen=True, slots=True)
class KeptClip:
    """One clip of the day. `worth` orders clips of one reason: the greater, the more informative."""

    id: str
    reason: ClipReason
    worth: float


@dataclass(frozen=True, slots=True)
class Admission:
    """The new clip is kept; `instead_of` is the id of the clip that is deleted for it."""

    instead_of: str | None = None


def reason_of(seen: SeenDeposit, budget: Budget, chances: Chances) -> ClipReason | None:
    """Return why to keep a deposit; None if it is not chosen. The first reason that holds counts."""
    if seen.has_alarm:
        return ClipReason.ALARM
    if seen.is_appealed:
        return ClipReason.APPEAL
    if chances.sample < budget.random_share:
        return ClipReason.RANDOM  # before the others, or the sample would lack what they take
    return None if seen.verdict is None else _reason_in(seen, seen.verdict, chances)


def _reason_in(seen: SeenDeposit, verdict: Verdict, chances: Chances) -> ClipReason | None:
    """Return the reason that a verdict gives."""
    if _disagrees(seen, verdict):
        return ClipReason.DISAGREEMENT
    if verdict.state is VerdictState.UNSURE:
        return ClipReason.UNSURE
    is_sure = verdict.state is VerdictState.OK and verdict.probability >= GOLD_FROM
    return ClipReason.GOLD if is_sure and chances.gold < GOLD_SHARE else None


def _disagrees(seen: SeenDeposit, verdict: Verdict) -> bool:
    if verdict.state is VerdictState.EMPTY:
        return False
    return seen.votes_differ or (verdict.category is not None and verdict.category is not seen.bin_category)


def worth_of(reason: ClipReason, verdict: Verdict | None) -> float:
    """Return how informative a clip is among those of its reason, 0 to 1.

    A doubtful verdict teaches more than a sure one; a disagreement more, the surer the model is of it.
    """
    if verdict is None:
        return 0.0
    is_disagreement = reason is ClipReason.DISAGREEMENT
    return verdict.probability if is_disagreement else 1.0 - verdict.probability


def admit(new: KeptClip, today: Collection[KeptClip], budget: Budget) -> Admission | None:
    """Return whether a chosen clip is kept, and which clip of the day goes for it; None if it is not kept."""
    if new.reason in OUTSIDE_THE_BUDGET:
        return Admission()
    is_random = new.reason is ClipReason.RANDOM
    own = [
        kept
        for kept in today
        if kept.reason not in OUTSIDE_THE_BUDGET and (kept.reason is ClipReason.RANDOM) is is_random
    ]
    room = budget.for_random if is_random else budget.daily - budget.for_random
    if len(own) < room:
        return Admission()
    if is_random or not own:
        return None  # the first ones of the day stay: to exchange by worth would bias the sample
    least = min(own, key=_order)
    return Admission(least.id) if _order(new) > _order(least) else None


def _order(kept: KeptClip) -> tuple[int, float]:
    return RANK[kept.reason], kept.worth
