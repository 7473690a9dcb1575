"""A whole simulated world around one station: hardware and people, from one seed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from config.station import StationSettings
from edge.ports import Lid
from edge.roster import RosterEntry
from edge.sim.people.plans import Habits, Meeting, Planner, VisitPlan
from edge.sim.people.residents import LOOK_S, Resident
from edge.sim.people.town import Neighbourhood
from edge.sim.photos.camera import SimCamera
from edge.sim.photos.thrown import Things
from edge.sim.place import Place, Throw
from edge.sim.plant import BasePlant, WorldLid

FIRST_GAP_S = (1.0, 4.0)
"""Pause before the first people come."""
QUIET_S = 1.0
"""The next people come once every lid was shut for this long."""
STAFF_AFTER = 2
"""Meetings with a full bin until staff come to empty it."""
GIVE_UP_AFTER = 12
"""After this many meetings in a row that open no lid, nobody comes any more."""


@dataclass(frozen=True, slots=True)
class Script:
    """What to play. `visits` counts cards that a lid opened for; `capacity` is a bin's, in things."""

    visits: int
    people: Neighbourhood
    capacity: int = 30
    habits: Habits = field(default_factory=Habits)
    opening: tuple[Meeting, ...] = ()
    """The first meetings; the planner's seeded ones follow."""
    gap_s: tuple[float, float] = (1.0, 4.0)
    """The shortest and the longest pause between two meetings."""


class World:
    """A station's hardware and people; give its lids and camera to the station, then call `start`."""

    def __init__(
        self,
        settings: StationSettings,
        plant: BasePlant[WorldLid],
        photos: Things,
        script: Script,
        rng: Random,
    ) -> None:
        """Build it around a plant; all chance comes from `rng`, all time from the timeline's clock."""
        self.timeline = plant.timeline
        self.plant = plant
        self.camera = SimCamera(settings, self.plant)
        self.people = script.people
        self.let_in = 0
        """How many cards a lid has opened for so far; each is one visit and one record."""
        self.finished = False
        """Whether all planned visits are over and the lids shut."""
        self._visits = script.visits
        self._opening = deque(script.opening)
        self._gap = script.gap_s
        self._place = Place(settings, self.plant, photos, rng)
        self._planner = Planner(rng, settings, self.people, photos.categories, script.habits)
        self._full_for = 0
        self._last_cards: frozenset[str] = frozenset()

    @property
    def lids(self) -> Mapping[str, Lid]:
        """The lids by bin."""
        return self.plant.lids

    @property
    def roster(self) -> Mapping[str, RosterEntry]:
        """Known cards by hash."""
        return self.people.roster

    @property
    def throws(self) -> Sequence[Throw]:
        """The truth about every thing that people have brought so far."""
        return self._place.throws

    def watch(self, when_thrown: Callable[[Throw], object]) -> None:
        """Have `when_thrown` called for each thing that gets into a bin."""
        self._place.when_thrown = when_thrown

    def watch_taps(self, when_tapped: Callable[[str, str], object]) -> None:
        """Have `when_tapped` called with a reader and a card at each tap."""
        self._place.when_tapped = when_tapped

    def start(self) -> None:
        """Let people come."""
        self.timeline.start(self._live())

    def _live(self) -> Iterator[float]:
        misses = 0
        while self.let_in < self._visits and misses < GIVE_UP_AFTER:
            meeting = self._next_meeting()
            yield self._gap_s(meeting)
            let_in = yield from self._meet(meeting)
            self.let_in += let_in
            misses = 0 if let_in else misses + 1
        self.finished = True

    def _next_meeting(self) -> Meeting:
        if self._opening:
            return self._opening.popleft()
        full = [bin_id for bin_id, one in self.plant.bins.items() if one.is_full]
        self._full_for = self._full_for + 1 if full else 0
        if self._full_for > STAFF_AFTER or len(full) == len(self.plant.bins):
            self._full_for = 0
            return self._planner.emptying(full[0])
        return self._planner.meeting(self._visits - self.let_in, self._last_cards)

    def _gap_s(self, meeting: Meeting) -> float:
        """Return the pause before a meeting, long enough that the last visit of a returning card is over."""
        gap_s = self._place.rng.uniform(*(self._gap if self._last_cards else FIRST_GAP_S))
        cards = frozenset(plan.person.card for plan in meeting.visits)
        waits = self._place.rules.waits
        if cards & self._last_cards:
            gap_s += waits.held_card_s + max(waits.linger_s, waits.unseen_s) + waits.choose_s
            gap_s += waits.capture_s + waits.classify_s + waits.record_s
        self._last_cards = cards
        return gap_s

    def _meet(self, meeting: Meeting) -> Generator[float, None, int]:
        """Play one meeting; return how many of its people a lid opened for."""
        if meeting.blocked is not None:
            self._place.tap(self._place.any_reader(), meeting.blocked.card)
            yield self._place.rng.uniform(2.0, 4.0)
        first = self._come(meeting.first)
        let_in, second = 0, first
        if meeting.second is not None:
            yield from self._wait_until_in(first)
            yield self._place.rng.uniform(0.5, 2.5)
            let_in, second = int(first.was_let_in), self._come(meeting.second)
        while not (first.is_gone and second.is_gone):
            yield LOOK_S
        yield from self._wait_until_quiet()
        return let_in + second.was_let_in

    def _come(self, plan: VisitPlan) -> Resident:
        resident = Resident(self._place, plan)
        self.timeline.start(resident.visit())
        return resident

    def _wait_until_in(self, resident: Resident) -> Iterator[float]:
        """Wait until a lid opened for a person who took the card away, or until none can open any more."""
        gone_for_s = 0.0
        while gone_for_s < self._place.rules.travel_limit_s:
            if resident.was_let_in and not resident.holds_card:
                return
            yield LOOK_S
            gone_for_s = gone_for_s + LOOK_S if resident.is_gone else 0.0

    def _wait_until_quiet(self) -> Iterator[float]:
        """Wait until all lids have been shut for QUIET_S, or until one must be broken."""
        until = self._place.now + 2 * self._place.rules.longest_hold_s
        shut_for_s = 0.0
        while shut_for_s < QUIET_S and self._place.now < until:
            yield LOOK_S
            shut_for_s = shut_for_s + LOOK_S if self.plant.is_shut else 0.0
