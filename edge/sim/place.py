"""The place in front of a simulated station: its readers and buttons, and what people did there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum, auto
from math import inf
from random import Random

from config.sorting import Category
from config.station import BinSection, StationSettings
from edge.messages import Pressed
from edge.sim.photos.thrown import Things, Wanted, category_of, hand_shadow
from edge.sim.plant import BasePlant, WorldLid
from edge.visit.state import visit_rules

LEFT_BESIDE = 0.2
"""The share of things that people leave on the ground if no lid opens for them."""
READ_EVERY_S = 0.1
"""How often a reader reports a card that stays on it."""


class Fate(StrEnum):
    """Where a thing that someone brought ended up."""

    IN_BIN = auto()
    TAKEN_HOME = auto()
    LEFT_BESIDE = auto()


@dataclass(frozen=True, slots=True)
class Throw:
    """One thing and its true category, None for the shadow of a hand. `name` is empty unless it got in."""

    at: float
    card: str
    bin: str
    bin_category: Category
    name: str
    category: Category | None
    fate: Fate

    @property
    def is_right(self) -> bool:
        """Whether it is waste that belongs in that bin."""
        return self.category is self.bin_category


class Place:
    """What people at the station share. `throws` records the truth about every thing."""

    def __init__(
        self, settings: StationSettings, plant: BasePlant[WorldLid], photos: Things, rng: Random
    ) -> None:
        """Put people in front of `plant`; all chance comes from `rng`."""
        self.plant = plant
        self.rng = rng
        self.rules = visit_rules(settings)
        self.throws: list[Throw] = []
        self.when_thrown: Callable[[Throw], object] = lambda _: None
        """Called for each thing that got into a bin."""
        self.when_tapped: Callable[[str, str], object] = lambda *_: None
        """Called with a reader and a card when someone begins to hold a card to a reader."""
        self._photos = photos
        self._sections = {section.id: section for section in settings.bin}
        self._readers = [reader.id for reader in settings.reader]
        self._seen: dict[tuple[str, str], float] = {}

    @property
    def now(self) -> float:
        """The current time, in monotonic seconds."""
        return self.plant.timeline.clock.now()

    def section(self, bin_id: str) -> BinSection:
        """Return a bin's section of the settings."""
        return self._sections[bin_id]

    def reader_for(self, bin_id: str) -> str:
        """Return the reader to tap for a bin."""
        return self._sections[bin_id].reader or self._readers[0]

    def any_reader(self) -> str:
        """Choose a reader."""
        return self.rng.choice(self._readers)

    def tap(self, reader: str, card: str, hold_s: float = 0.0) -> None:
        """Hold a card to a reader, which reports it repeatedly until it is taken away."""
        self.when_tapped(reader, card)
        self.plant.timeline.start(self._report(reader, card, self.now + hold_s))

    def _report(self, reader: str, card: str, until: float) -> Iterator[float]:
        while True:
            self._seen[reader, card] = self.now
            self.plant.read(reader, card)
            if self.now + READ_EVERY_S > until:
                return
            yield READ_EVERY_S

    def forgets_in_s(self, reader: str, card: str) -> float:
        """Return how long another tap of this card would still count as the last one."""
        forgotten_at = self._seen.get((reader, card), -inf) + self.rules.waits.held_card_s + READ_EVERY_S
        return max(0.0, forgotten_at - self.now)

    def press(self, bin_id: str) -> None:
        """Press a bin's button."""
        self.plant.inbox.post(Pressed(self.now, bin_id))

    def throw(self, card: str, bin_id: str, wanted: Wanted | None) -> None:
        """Throw something into a bin, or keep it if the lid is not open. None is the shadow of a hand."""
        thing = hand_shadow(self.rng) if wanted is None else self._photos.draw(self.rng, wanted)
        if self.plant.throw(bin_id, thing):
            self._note(card, bin_id, wanted, Fate.IN_BIN, thing.name)
        else:
            self.keep(card, bin_id, wanted)

    def keep(self, card: str, bin_id: str, wanted: Wanted | None) -> None:
        """Take something home again, or leave it on the ground."""
        left = wanted is not None and self.rng.random() < LEFT_BESIDE
        self._note(card, bin_id, wanted, Fate.LEFT_BESIDE if left else Fate.TAKEN_HOME)

    def _note(self, card: str, bin_id: str, wanted: Wanted | None, fate: Fate, name: str = "") -> None:
        category = None if wanted is None else category_of(wanted)
        bin_category = self._sections[bin_id].category
        throw = Throw(self.now, card, bin_id, bin_category, name, category, fate)
        self.throws.append(throw)
        if fate is Fate.IN_BIN:
            self.when_thrown(throw)
