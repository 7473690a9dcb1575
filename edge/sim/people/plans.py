"""What residents plan to do: seeded plans, made before anyone moves."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from config.sorting import Category
from config.station import BinSection, StationSettings
from edge.sim.people.town import Neighbourhood, Person
from edge.sim.photos.thrown import Wanted

MOST_THINGS = 3
SHARES = {
    Category.RECYCLABLE: 0.3,
    Category.HAZARDOUS: 0.05,
    Category.KITCHEN: 0.45,
    Category.OTHER: 0.2,
}
"""What a household throws away, as shares of pieces; an assumption, not measured."""
HOLD_S = 3.0
"""How long some residents keep the card on the reader."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How often people do something, as shares of visits; `wrong` is a share of things."""

    wrong: float = 0.2
    walks_away: float = 0.05
    holds_card: float = 0.1
    hand_in_lid: float = 0.08
    comes_along: float = 0.15
    """A second resident taps while the first one's lid is open."""
    stranger: float = 0.08
    child: float = 0.04
    """Taps and only waves at the open bin."""
    blocked: float = 0.05
    """Before the visit someone tries a blocked card; not counted as a visit."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What one person brings to one bin. None is the shadow of a hand."""

    bin: str
    things: tuple[Wanted | None, ...]


@dataclass(frozen=True, slots=True)
class VisitPlan:
    """One person's way through the bins. `hold_s`: how long the card stays on the reader."""

    person: Person
    errands: tuple[Errand, ...]
    hold_s: float = 0.0
    hand_in_lid: bool = False
    empties: bool = False
    """Staff who come to empty full bins."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """The people who are at the station together: one visit, or two that overlap."""

    first: VisitPlan
    second: VisitPlan | None = None
    blocked: Person | None = None

    @property
    def visits(self) -> tuple[VisitPlan, ...]:
        """The one or two visits."""
        return (self.first,) if self.second is None else (self.first, self.second)


class Planner:
    """Plans one meeting after another."""

    def __init__(
        self,
        rng: Random,
        settings: StationSettings,
        people: Neighbourhood,
        categories: tuple[Category, ...],
        habits: Habits,
    ) -> None:
        """Plan for the bins of `settings`, with things of these `categories`."""
        self._rng = rng
        self._bins = settings.bin
        self._people = people
        self._categories = categories
        self._habits = habits

    def meeting(self, most: int, before: frozenset[str]) -> Meeting:
        """Plan the next meeting, of at most `most` visits; cards in `before` were just here."""
        first = self._person(before)
        blocked = self._people.blocked if self._happens(self._habits.blocked) else None
        if most < 2 or not self._happens(self._habits.comes_along):  # noqa: PLR2004 (two are two visits)
            return Meeting(self._visit(first), blocked=blocked)
        second = self._person(before | {first.card})
        if second.card == first.card:
            return Meeting(self._visit(first), blocked=blocked)
        # With someone else's card in between, a second tap would be another visit: one errand each.
        return Meeting(self._visit(first, most_bins=1), self._visit(second, most_bins=1), blocked)

    def emptying(self, bin_id: str) -> Meeting:
        """Plan a visit of staff who empty the full bins, beginning with this one."""
        return Meeting(VisitPlan(self._people.staff, (Errand(bin_id, ()),), empties=True))

    def _happens(self, share: float) -> bool:
        return self._rng.random() < share

    def _person(self, before: frozenset[str]) -> Person:
        group = self._people.strangers if self._happens(self._habits.stranger) else self._people.residents
        return self._rng.choice([person for person in group if person.card not in before] or group)

    def _visit(self, person: Person, most_bins: int | None = None) -> VisitPlan:
        errands = self._errands()[:most_bins]
        hold_s = HOLD_S if self._happens(self._habits.holds_card) else 0.0
        return VisitPlan(person, errands, hold_s, hand_in_lid=self._happens(self._habits.hand_in_lid))

    def _errands(self) -> tuple[Errand, ...]:
        if self._happens(self._habits.walks_away):
            return (Errand(self._rng.choice(self._bins).id, ()),)
        if self._happens(self._habits.child):
            return (Errand(self._rng.choice(self._bins).id, (None,)),)
        carried: dict[str, list[Category]] = {}
        for _ in range(self._rng.randint(1, MOST_THINGS)):
            (category,) = self._rng.choices(self._categories, [SHARES[one] for one in self._categories])
            carried.setdefault(self._bin_for(category).id, []).append(category)
        return tuple(Errand(bin_id, tuple(things)) for bin_id, things in carried.items())

    def _bin_for(self, category: Category) -> BinSection:
        right = [section for section in self._bins if section.category is category]
        wrong = [section for section in self._bins if section.category is not category]
        goes_wrong = not right or (wrong and self._happens(self._habits.wrong))
        return self._rng.choice(wrong if goes_wrong else right)
