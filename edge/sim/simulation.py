"""A simulated world around a station, in virtual or in real time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random

from config.station import StationSettings
from edge.eye.classifier import eyes_here
from edge.hardware.build import eye_of, seeing
from edge.hardware.controller.controller import Mcu
from edge.hardware.hardware import Hardware
from edge.loop.clocks import RealClock
from edge.loop.inbox import QueueInbox
from edge.loop.workers import InlineWorkers, ThreadWorkers
from edge.main import Composition, Surroundings, at_once
from edge.ports import Clock, Journal
from edge.readers.kind import ReaderServices
from edge.readers.pseudonym import Cards
from edge.sim.drive import RealTimeDriver, run_virtual
from edge.sim.people.town import Neighbourhood
from edge.sim.people.witness import Witness
from edge.sim.photos.thrown import Things
from edge.sim.plant import BasePlant, Plant, WorldLid
from edge.sim.rigged.lines import RigLines
from edge.sim.rigged.place import RiggedPlant
from edge.sim.timeline import Timeline, VirtualClock
from edge.sim.trays import TrayNews, Trays
from edge.sim.world import Script, World
from firmware_bridge.decoders.em4100 import CardBits
from firmware_bridge.port import SerialPort


@dataclass(frozen=True, slots=True)
class FirmwareProgram:
    """A running program that acts as a microcontroller, on the port of the station's only controller.

    `lines` and `answers` are the descriptors of its test rig (docs/protocol.md); `card_key` hashes the cards
    that its readers read.
    """

    lines: int
    answers: int
    card_key: bytes


class Simulation:
    """One simulated world, ready to be composed with a station."""

    def __init__(
        self,
        settings: StationSettings,
        photos: Things,
        script: Script,
        rng: Random,
        virtual_from_unix_s: float | None = None,
        board: FirmwareProgram | None = None,
    ) -> None:
        """Play `script`; with `virtual_from_unix_s` in virtual time, whose calendar begins there.

        With a `board`, which runs in real time, the station uses the board's lids and readers.
        """
        self._settings, self._photos, self._script, self._rng = settings, photos, script, rng
        self._virtual = None if virtual_from_unix_s is None else VirtualClock(virtual_from_unix_s)
        self._timeline = Timeline(self._virtual or RealClock())
        self._board = board
        self.when_tapped: Callable[[str, str], object] = lambda *_: None
        """Called with a reader and a card at each tap; set it before `surroundings`."""
        self._world: World | None = None
        self._witness: Witness | None = None

    @property
    def people(self) -> Neighbourhood:
        """All people who may come."""
        return self._script.people

    @property
    def is_virtual(self) -> bool:
        """Whether it runs in virtual time, by `run_virtual`."""
        return self._virtual is not None

    @property
    def is_over(self) -> bool:
        """Whether all planned visits are over and the lids shut."""
        return self._world is not None and self._world.finished

    def surroundings(self, watch: Callable[[Journal], Journal] = lambda journal: journal) -> Surroundings:
        """Make the surroundings for `edge.main.compose`; `watch` wraps the journal."""
        if self._virtual is not None:
            around = Surroundings(
                self._build_hardware,
                self._virtual,
                InlineWorkers,
                has_screen=False,
                takes_commands=False,
                watch=watch,
                eyes=eyes_here,
                loads=at_once,
            )
        else:
            around = Surroundings(self._build_hardware, self._timeline.clock, ThreadWorkers, watch=watch)
        if (witness := self._witness) is None:
            return around
        return replace(around, watch=lambda journal: watch(witness.watch(journal)), listen=witness.listen)

    def observed(self, write: Callable[[bytes], object]) -> Witness:
        """Have a witness write what people do, see and hear; call before `surroundings`, without a board."""
        self._witness = Witness(self._settings.station.name, write, self._timeline.clock.now)
        return self._witness

    def run_virtual(self, composition: Composition) -> None:
        """Run it all on this thread, as fast as the machine allows, then leave everything safe."""
        if self._virtual is None:
            msg = "this simulation runs in real time"
            raise RuntimeError(msg)
        station = composition.station
        composition.hardware.start()
        try:
            run_virtual(
                self._timeline, self._virtual, station, lambda: self.is_over and not station.state.visits
            )
        finally:
            composition.close()

    def _build_hardware(self, inbox: QueueInbox, clock: Clock) -> Hardware:
        if self._board is not None:
            return self._rigged(self._board, inbox, clock)
        eye = None if self.is_virtual else eye_of(self._settings, clock, inbox)
        trays = Trays(Path(self._settings.station.runtime_dir))
        news = inbox if eye is None else TrayNews(inbox, eye, trays)
        plant = Plant(self._settings, self._timeline, news, self._script.capacity)
        world = self._populate(plant)
        if self._witness is not None:
            world.watch(self._witness.threw)
            for bin_id, lid in plant.lids.items():
                lid.when_opened = partial(self._witness.opened, bin_id)
        if self._virtual is not None:
            return Hardware(world.lids, (plant,), world.camera, start=world.start, stop=lambda: None)
        driver = RealTimeDriver(self._timeline)
        camera, eyes = seeing(eye, self._settings)

        def start() -> None:
            if eye is not None:
                plant.lay = trays.lay
                eye.start()
            world.start()
            driver.start()

        def stop() -> None:
            with ExitStack() as stops:
                if eye is not None:
                    stops.callback(eye.stop)
                stops.callback(driver.stop)

        return Hardware(world.lids, (plant,), camera, start=start, stop=stop, eyes=eyes)

    def _rigged(self, board: FirmwareProgram, inbox: QueueInbox, clock: Clock) -> Hardware:
        """Use the station's real drivers for the board; simulate the rest."""
        settings = self._settings
        cards = Cards(board.card_key, CardBits(settings.station.card_bits))
        eye, trays = eye_of(settings, clock, inbox), Trays(Path(settings.station.runtime_dir))
        news = inbox if eye is None else TrayNews(inbox, eye, trays)
        mcu = Mcu(settings.controller[0], settings, ReaderServices(cards, clock, news, SerialPort))
        rig = RigLines(board.lines, board.answers, len(settings.bin))
        plant = RiggedPlant(
            settings,
            self._timeline,
            inbox,
            self._script.capacity,
            drivers=mcu.lids,
            rig=rig,
            people=self.people,
        )
        world = self._populate(plant)
        driver = RealTimeDriver(self._timeline)
        camera, eyes = seeing(eye, settings)

        def start() -> None:
            if eye is not None:
                plant.lay = trays.lay
                eye.start()
            plant.start()
            mcu.start()
            world.start()
            driver.start()

        def stop() -> None:
            with ExitStack() as stops:
                if eye is not None:
                    stops.callback(eye.stop)
                stops.callback(driver.stop)
                stops.callback(plant.stop)
                stops.callback(mcu.stop)

        cabinets = {mcu.id: mcu.cabinet}
        return Hardware(world.lids, (mcu,), camera, start=start, stop=stop, eyes=eyes, cabinets=cabinets)

    def _populate(self, plant: BasePlant[WorldLid]) -> World:
        self._world = World(self._settings, plant, self._photos, self._script, self._rng)
        self._world.watch_taps(self.when_tapped)
        return self._world
