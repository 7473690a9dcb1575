"""Plays a simulated world to its end with the tiny station."""

from __future__ import annotations

from random import Random

from config.station import StationSettings
from edge.sim.drive import run_virtual
from edge.sim.people.plans import Habits
from edge.sim.people.town import neighbourhood
from edge.sim.photos.thrown import PhotoSource
from edge.sim.plant import Plant
from edge.sim.timeline import Timeline, VirtualClock
from edge.sim.world import Script, World
from tests.edge.sim.tiny_station import TinyStation

CARD_KEY = bytes(range(32))
ALMOST_NEVER_FULL = 30


class Game:
    """A world, its station, and the seed's random numbers for everything else."""

    def __init__(  # noqa: PLR0913 (all that a test may want to turn)
        self,
        settings: StationSettings,
        photos: PhotoSource,
        seed: int,
        visits: int,
        habits: Habits | None = None,
        capacity: int = ALMOST_NEVER_FULL,
        *,
        residents: int = 12,
    ) -> None:
        self.rng = Random(seed)
        self.clock = VirtualClock()
        self.timeline = Timeline(self.clock)
        self.station = TinyStation(settings)
        script = Script(visits, neighbourhood(self.rng, CARD_KEY, residents), capacity, habits or Habits())
        self.plant = Plant(settings, self.timeline, self.station, capacity)
        self.world = World(settings, self.plant, photos, script, self.rng)
        self.station.join(self.world)

    def play(self) -> None:
        """Run until nobody comes any more and every visit is over."""
        self.world.start()
        run_virtual(
            self.timeline, self.clock, self.station, lambda: self.world.finished and self.station.is_idle
        )
