"""How people behave at a simulated station. They see lids and lights, never the station's state.

Each visit is a generator: it yields the seconds until its next move.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from math import inf

from config.station import OpenBy
from edge.sim.people.plans import Errand, VisitPlan
from edge.sim.place import Place
from edge.sim.plant import WorldLid

LOOK_S = 0.2
"""How often people check whether a lid has moved."""
NEAR = 0.8
"""People use at most this share of the station's time limits, as if they knew them."""


class Resident:
    """One person's visit."""

    def __init__(self, place: Place, plan: VisitPlan) -> None:
        """Come to `place` with a plan."""
        self.is_gone = False
        self.tapped_at = inf
        """When the card was first tapped; inf before."""
        self._place = place
        self._plan = plan
        self._card = plan.person.card
        self._hold_until = -inf

    @property
    def holds_card(self) -> bool:
        """Whether the card is still on the reader."""
        return self._place.now <= self._hold_until

    @property
    def was_let_in(self) -> bool:
        """Whether any lid has opened since the first tap."""
        return any(lid.opened_at >= self.tapped_at for lid in self._place.plant.lids.values())

    def visit(self) -> Iterator[float]:
        """Go from bin to bin as long as lids open; then leave."""
        yield from self._errands(deque(self._plan.errands))
        if self._plan.hand_in_lid:
            yield from self._put_hand_in(self._plan.errands[-1].bin)
        if self._plan.empties:
            yield self._moment(3.0, 8.0)
            for one in self._place.plant.bins.values():
                one.empty()
        self.is_gone = True

    def _errands(self, left: deque[Errand]) -> Iterator[float]:
        tried: set[str] = set()
        while left:
            errand = left.popleft()
            tried.add(errand.bin)
            is_let_in = yield from self._ask(errand)
            if is_let_in:
                all_in = yield from self._throw(errand)
            elif (other := self._elsewhere(tried)) and not self.was_let_in:
                left.appendleft(Errand(other, errand.things))
                all_in = True
            else:
                self._keep(errand)
                all_in = False
            if not all_in:
                for rest in left:
                    self._keep(rest)
                return
            if left:
                yield self._walk_s()

    # --- at one bin -------------------------------------------------------------------------------

    def _ask(self, errand: Errand) -> Generator[float, None, bool]:
        """Tap or press, and wait for the lid; False if it stays shut."""
        lid = self._place.plant.lids[errand.bin]
        if self._is_mine(lid):
            return True
        section = self._place.section(errand.bin)
        if not (self.was_let_in and section.open_by is OpenBy.BUTTON):
            reader = self._place.reader_for(errand.bin)
            waits_s = self._place.forgets_in_s(reader, self._card)
            if self.was_let_in and (waits_s or not self._may_tap_again(section.open_by)):
                return False
            yield waits_s
            self._tap(reader)
        if section.open_by is OpenBy.BUTTON:
            yield min(self._moment(0.8, 2.0), NEAR * self._place.rules.waits.choose_s)
            self._place.press(errand.bin)
        if not errand.things and not self._plan.empties:
            return True  # walks away without waiting for the lid
        return (yield from self._wait_for(lid))

    def _may_tap_again(self, open_by: OpenBy) -> bool:
        """Return whether another tap is certain to belong to the same visit."""
        spent_s = self._place.now - self.tapped_at
        return open_by is not OpenBy.ALL and spent_s < NEAR * self._place.rules.waits.max_visit_s

    def _tap(self, reader: str) -> None:
        self.tapped_at = min(self.tapped_at, self._place.now)
        hold_s, self._hold_until = self._plan.hold_s, self._place.now + self._plan.hold_s
        self._place.tap(reader, self._card, hold_s)

    def _is_mine(self, lid: WorldLid) -> bool:
        return lid.is_open and lid.opened_at >= self.tapped_at

    def _wait_for(self, lid: WorldLid) -> Generator[float, None, bool]:
        rules = self._place.rules
        patience_s = rules.travel_limit_s + 1
        if not lid.is_shut:  # open for someone else: it must shut first
            patience_s += rules.longest_hold_s
        until = self._place.now + patience_s
        while self._place.now < until:
            if self._is_mine(lid):
                return True
            yield LOOK_S
        return False

    def _throw(self, errand: Errand) -> Generator[float, None, bool]:
        """Throw one thing after another; False as soon as the lid has shut too early."""
        lid = self._place.plant.lids[errand.bin]
        mine = lid.opened_at
        for number, category in enumerate(errand.things):
            yield self._moment(0.6, 2.0)
            if not lid.has_opened or lid.opened_at != mine:
                self._keep(Errand(errand.bin, errand.things[number:]))
                return False
            self._place.throw(self._card, errand.bin, category)
        return True

    def _put_hand_in(self, bin_id: str) -> Iterator[float]:
        lid = self._place.plant.lids[bin_id]
        until = self._place.now + self._place.rules.waits.max_open_s
        while self._is_mine(lid) and self._place.now < until:
            yield LOOK_S
        if lid.is_closing:
            lid.obstruct()
            yield self._moment(1.0, 4.0)
            lid.clear()

    # --- elsewhere --------------------------------------------------------------------------------

    def _elsewhere(self, tried: set[str]) -> str | None:
        """Choose another bin that is not shown as full."""
        bins = self._place.plant.bins
        open_to_try = [bin_id for bin_id in bins if bin_id not in tried and not bins[bin_id].is_full]
        return self._place.rng.choice(open_to_try) if open_to_try else None

    def _keep(self, errand: Errand) -> None:
        for category in errand.things:
            self._place.keep(self._card, errand.bin, category)

    def _walk_s(self) -> float:
        return min(self._moment(1.0, 3.0), NEAR * self._place.rules.waits.linger_s)

    def _moment(self, least_s: float, most_s: float) -> float:
        return self._place.rng.uniform(least_s, most_s)
