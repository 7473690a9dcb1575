"""The judge's own prices: what a visit earns by the rules' file, computed independently of the product. Pure.

It uses nothing of `cloud_sync.rules.award_rules`, so that it finds an error there and does not repeat it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

RIGHT, WRONG, UNSURE, UNSEEN, NOTHING = "right", "wrong", "unsure", "unseen", "nothing"
STAFF, BY_NUMBER, BY_POINTS, RECOUNTED = "staff", "daily_deposits", "daily_points", "recounted"
STRANGER, LEDGER_CLOCK = "unknown_card", "ledger_clock"

Deposit = tuple[str, str]
"""The category of the bin, and the outcome."""


@dataclass(frozen=True, slots=True)
class Prices:
    """The numbers of one rules' file."""

    right: Mapping[str, int]
    neutral: int
    wrong: int
    most_points: int
    most_deposits: int


@dataclass(frozen=True, slots=True)
class Day:
    """What was already earned on one day."""

    points: int = 0
    deposits: int = 0


@dataclass(frozen=True, slots=True)
class Earned:
    """What a visit earns on top of a day; `why` its first lowered deposit got less, empty if none did."""

    points: int
    deposits: int
    why: str


@dataclass(frozen=True, slots=True)
class Word:
    """What the ledger must say of a visit."""

    settled: int
    held: int
    lowered: int
    lowered_by: str
    held_by: str


@dataclass
class Days:
    """What each person has earned on each day; it grows as visits are priced in their order."""

    spent: dict[tuple[str, str], Day] = field(default_factory=dict)

    def of(self, whose: str, day: str) -> Day:
        """Return what was earned so far."""
        return self.spent.get((whose, day), Day())

    def add(self, whose: str, day: str, points: int, deposits: int) -> None:
        """Add a priced visit."""
        before = self.of(whose, day)
        self.spent[whose, day] = Day(before.points + points, before.deposits + deposits)


def prices_of(rules: Mapping[str, Mapping[str, int]]) -> Prices:
    """Take the numbers from a parsed rules file."""
    points, daily = rules["points"], rules["daily"]
    return Prices(rules["right"], points["neutral"], points["wrong"], daily["points"], daily["deposits"])


def earn(deposits: Sequence[Deposit], prices: Prices, before: Day, *, staff: bool) -> Earned:
    """Price deposits on top of a day; staff earn nothing."""
    points = number = 0
    why = ""
    for category, outcome in deposits:
        if outcome == NOTHING:
            continue
        full = prices.right[category] if outcome == RIGHT else prices.neutral
        full = prices.wrong if outcome == WRONG else full
        left = max(0, prices.most_points - before.points - points)
        if staff:
            given, reason = 0, STAFF
        elif before.deposits + number >= prices.most_deposits:
            given, reason = 0, BY_NUMBER
        else:
            given, reason = min(full, left), BY_POINTS
            reason = "" if given == full else reason
        points, number, why = points + given, number + 1, why or reason
    return Earned(points, number, why)


def settle(spoken: int, earned: Earned, *, bound: bool, dated: bool = True) -> Word:
    """Return what the ledger must settle, hold and lower of the spoken points, and why.

    A visit that could not be `dated`, because the ledger's clock was in doubt, waits for everyone.
    """
    due = min(spoken, earned.points)
    lowered = spoken - due
    why = (earned.why or RECOUNTED) if lowered else ""
    if due and not dated:
        return Word(0, due, lowered, why, LEDGER_CLOCK)
    if bound or not due:
        return Word(due, 0, lowered, why, "")
    return Word(0, due, lowered, why, STRANGER)
