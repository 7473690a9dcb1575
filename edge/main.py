"""The composition root: the only place that chooses what a station is made of.

A real and a simulated station differ in their hardware, their clock and their workers, and in nothing else.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from cloud_sync.rules.award_rules import AwardRules
from cloud_sync.service.systemd import Notifier
from config.process.threads import thread
from config.reading.load import load_toml
from config.reading.load_sorting import load_sorting
from config.station import StationSettings
from config.words import load_words
from edge.eye.eyes import Eyes
from edge.faults import FaultCode
from edge.hardware.build import hardware_builder
from edge.hardware.hardware import BuildHardware, Hardware
from edge.hardware.pins import real_pins
from edge.journal.store import SqliteJournal
from edge.loop.clocks import RealClock, boot_id
from edge.loop.emergency_latch import EmergencyLatch
from edge.loop.parts import Parts
from edge.loop.station import Station
from edge.loop.watchdog import WatchedInbox
from edge.loop.workers import ThreadWorkers
from edge.messages import FaultRaised
from edge.part_kinds import STATION
from edge.ports import Clock, Inbox, Journal, Speaker, Workers
from edge.screen.names import station_names
from edge.screen.prompts import PromptRenderer
from edge.screen.publisher import Screen
from edge.screen.state import LiveFolder, LiveText
from edge.screen.view import StationLabel
from edge.visit.state import visit_rules
from edge.voice.log_speaker import LogSpeaker

log = logging.getLogger(__name__)

KEYS = "keys"
"""The part that faults of the station's keys name."""
EPOCH_BYTES = 8
"""An epoch is 16 hex digits, drawn each time that the journal is opened."""


def in_background(job: Callable[[], None]) -> None:
    """Do `job` on a thread of its own, which holds nobody up."""
    thread(job, "model").start()


def at_once(job: Callable[[], None]) -> None:
    """Do `job` now."""
    job()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What differs between a real station, one in simulated real time, and one in virtual time."""

    build_hardware: BuildHardware
    clock: Clock
    make_workers: Callable[[Inbox], Workers]
    has_screen: bool = True
    watch: Callable[[Journal], Journal] = lambda journal: journal
    """Lets a caller stand before the journal, to tell of each visit."""
    listen: Callable[[Speaker], Speaker] = lambda speaker: speaker
    """Lets a caller stand before the voice."""
    eyes: Callable[[StationSettings], Eyes] | None = None
    """What looks at deposits in this process; the hardware's if None: the eye's process, as a rule."""
    faults: tuple[FaultCode, ...] = ()
    """Of the keys: those that could not be read."""
    loads: Callable[[Callable[[], None]], None] = in_background
    """How the model is loaded: beside the loop, so that no model keeps lids shut; at once in virtual time."""


def real_surroundings(settings: StationSettings, card_key: bytes) -> Surroundings:
    """Pins and serial ports of this Raspberry Pi, and its eye; InputError where there are none to be had."""
    runtime = Path(settings.station.runtime_dir)
    return Surroundings(
        hardware_builder(settings, card_key, lambda: real_pins(runtime)), RealClock(), ThreadWorkers
    )


@dataclass(frozen=True, slots=True)
class Composition:
    """One station, put together. `close` may be called whether or not it ever ran."""

    station: Station
    hardware: Hardware
    workers: Workers
    journal: SqliteJournal
    notifier: Notifier
    eyes: Eyes

    def run(self) -> None:
        """Let the hardware live and the station work until `station.stop()`; then leave everything safe."""
        try:
            self.hardware.start()
            self.notifier.ready()
            self.station.run()
        finally:
            self.notifier.stopping()
            self.close()

    def close(self) -> None:
        """Stop lids first, then write what waits; the journal's own worker does that, for a disk may hang."""
        self.hardware.stop()
        self.eyes.stop()
        self.station.flush()
        self.workers.submit("journal", self.journal.close, None)
        self.workers.stop()
        self.station.name_lost()


def compose(settings: StationSettings, around: Surroundings, notifier: Notifier | None = None) -> Composition:
    """Put a station together. InputError for a configuration that cannot be.

    `notifier` hears when the station is ready, and as long as its loop turns.
    """
    notifier = notifier or Notifier()
    inbox = WatchedInbox(notifier)
    with ExitStack() as undo:
        hardware = around.build_hardware(inbox, around.clock)
        undo.callback(hardware.stop)
        eyes = hardware.eyes if around.eyes is None else around.eyes(settings)
        journal = _journal(settings)
        workers = around.make_workers(inbox)
        parts = _parts(settings, around, eyes, hardware, journal, workers)
        undo.pop_all()
    if EmergencyLatch.of(settings).is_set:
        log.error("an emergency was not ended; every motor stays stopped until a staff card is tapped")
        inbox.post(FaultRaised(around.clock.now(), FaultCode.EMERGENCY_STOP, STATION))
    for fault in around.faults:
        inbox.post(FaultRaised(around.clock.now(), fault, KEYS))
    around.loads(lambda: eyes.load(around.clock, inbox))
    return Composition(
        Station(inbox, visit_rules(settings), parts), hardware, workers, journal, notifier, eyes
    )


def _journal(settings: StationSettings) -> SqliteJournal:
    place = settings.station
    rules = load_toml(Path(place.rules), AwardRules, named_by="station.rules")
    epoch = secrets.token_hex(EPOCH_BYTES)
    owner = (place.community, place.name)
    return SqliteJournal(Path(place.state_dir), epoch, rules, ZoneInfo(place.timezone), owner)


def _parts(
    settings: StationSettings,
    around: Surroundings,
    eyes: Eyes,
    hardware: Hardware,
    journal: SqliteJournal,
    workers: Workers,
) -> Parts:
    prompts = PromptRenderer(load_words(), load_sorting(settings.model.sorting), eyes.labels)
    return Parts(
        clock=around.clock,
        lids=hardware.lids,
        movers=hardware.movers,
        camera=hardware.camera,
        classifier=eyes.classifier,
        speaker=around.listen(LogSpeaker(prompts)),
        journal=around.watch(journal),
        latch=EmergencyLatch.of(settings),
        workers=workers,
        screen=_screen(settings, prompts, around.clock, hardware, eyes) if around.has_screen else None,
        boot=boot_id(),
    )


def _screen(
    settings: StationSettings, prompts: PromptRenderer, clock: Clock, hardware: Hardware, eyes: Eyes
) -> Screen:
    folder = LiveFolder(Path(settings.station.runtime_dir))
    place, names = settings.station, station_names(settings.station)
    label = StationLabel(place.community, place.name, LiveText(names.zh, names.en))
    return Screen(folder, visit_rules(settings), label, prompts, clock, eyes.show, readings=hardware.readings)
