"""A simulated world as a station's surroundings: in virtual time or in real time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.clocks import RealClock
from edge.main import Surroundings
from edge.rim import Rim
from edge.sim.drive import RealTimeDriver, run_virtual
from edge.sim.timeline import Timeline, VirtualClock
from edge.sim.world import World
from edge.workers import InlineWorkers, ThreadWorkers

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from config.station import StationSettings
    from edge.inbox import QueueInbox
    from edge.main import Composition
    from edge.ports import Clock, Journal
    from edge.sim.people import Neighbourhood
    from edge.sim.photos import PhotoSource
    from edge.sim.world import Script


class Simulation:
    """One simulated world, ready to be composed with a station."""

    def __init__(
        self,
        settings: StationSettings,
        photos: PhotoSource,
        script: Script,
        rng: Random,
        virtual_from_unix_s: float | None = None,
    ) -> None:
        """Play `script`. With `virtual_from_unix_s`, in virtual time whose calendar begins there."""
        self._settings, self._photos, self._script, self._rng = settings, photos, script, rng
        self._virtual = None if virtual_from_unix_s is None else VirtualClock(virtual_from_unix_s)
        self._timeline = Timeline(self._virtual or RealClock())
        self._world: World | None = None

    @property
    def people(self) -> Neighbourhood:
        """Everyone who may come."""
        return self._script.people

    @property
    def is_over(self) -> bool:
        """Whether all planned visits are over and the lids shut."""
        return self._world is not None and self._world.finished

    def surroundings(self, watch: Callable[[Journal], Journal] = lambda journal: journal) -> Surroundings:
        """What `edge.main.compose` puts around a station; `watch` stands before its journal."""
        if self._virtual is not None:
            return Surroundings(self._make_rim, self._virtual, InlineWorkers, has_screen=False, watch=watch)
        return Surroundings(self._make_rim, self._timeline.clock, ThreadWorkers, watch=watch)

    def run_virtual(self, composition: Composition) -> None:
        """Play all of it as fast as the machine allows, on this thread, then leave everything safe."""
        if self._virtual is None:
            msg = "this simulation runs in real time"
            raise RuntimeError(msg)
        station = composition.station
        composition.rim.start()
        try:
            run_virtual(
                self._timeline, self._virtual, station, lambda: self.is_over and not station.state.visits
            )
        finally:
            composition.close()

    def _make_rim(self, inbox: QueueInbox, clock: Clock) -> Rim:
        del clock  # the timeline has it
        world = World(self._settings, self._timeline, inbox, self._photos, self._script, self._rng)
        self._world = world
        if self._virtual is not None:
            return Rim(world.lids, world.camera, start=world.start, stop=lambda: None)
        driver = RealTimeDriver(self._timeline)

        def start() -> None:
            world.start()
            driver.start()

        return Rim(world.lids, world.camera, start=start, stop=driver.stop)
