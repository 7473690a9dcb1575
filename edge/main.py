"""The composition root: the only place that chooses what a station is made of.

A real and a simulated station differ in their hardware, their clock and their workers, and in nothing else.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

from cloud_sync.rules.award_rules import AwardRules
from cloud_sync.service.systemd import Notifier
from config.process.threads import thread
from config.reading.load import load_toml
from config.reading.load_sorting import load_sorting
from config.station import StationSettings
from config.words import Both, load_words
from edge.eye.classifier import LateEye, Unseeing
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
from edge.messages import FaultRaised, Photo
from edge.part_kinds import STATION
from edge.ports import Clock, Inbox, Journal, Speaker, Workers
from edge.screen.names import station_names
from edge.screen.prompts import PromptRenderer
from edge.screen.publisher import Screen
from edge.screen.state import LiveFolder, LiveText
from edge.screen.view import StationLabel
from edge.visit.state import visit_rules
from edge.voice.log_speaker import LogSpeaker
from models.bundle import SHIPPED_BUNDLE, BundleError, load_bundle
from models.pixels import Rgb, encode_jpeg
from models.runtime import Breaker, Classifier, judge_of

log = logging.getLogger(__name__)

KEYS = "keys"
"""The part that faults of the station's keys name."""
EPOCH_BYTES = 8
"""An epoch is 16 hex digits, drawn each time that the journal is opened."""


@dataclass(frozen=True, slots=True)
class Eyes:
    """What looks at deposits once it is loaded, and the names of what it knows."""

    classifier: LateEye | Unseeing
    labels: Mapping[str, Both]


def open_eyes(settings: StationSettings) -> Eyes:
    """The configured model, yet to be loaded; a bundle that must not be used leaves the station unseeing.

    InputError for a model that does not fit the city's rules.
    """
    folder = Path(settings.model.bundle) if settings.model.bundle else SHIPPED_BUNDLE
    sorting = load_sorting(settings.model.sorting)
    try:
        bundle = load_bundle(folder)
    except BundleError as error:
        return Eyes(Unseeing(str(error)), {})
    judge_of(bundle.manifest, sorting)  # a mistake in the configuration is told before anything starts
    labels = {label.key: Both(label.zh, label.en) for label in bundle.manifest.labels}
    breaker = Breaker()
    return Eyes(
        LateEye(lambda: Classifier(bundle, sorting, settings.model.threads, breaker=breaker), breaker.open),
        labels,
    )


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
    eyes: Callable[[StationSettings], Eyes] = open_eyes
    """What looks at deposits."""
    faults: tuple[FaultCode, ...] = ()
    """Of the keys: those that could not be read."""
    loads: Callable[[Callable[[], None]], None] = in_background
    """How the model is loaded: beside the loop, so that no model keeps lids shut; at once in virtual time."""


def real_surroundings(settings: StationSettings, card_key: bytes) -> Surroundings:
    """Pins, serial ports and cameras of this Raspberry Pi; InputError where there are none to be had."""
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
        self.eyes.classifier.stop()
        self.station.flush()
        self.workers.submit("journal", self.journal.close, None)
        self.workers.stop()
        self.station.name_lost()


def compose(settings: StationSettings, around: Surroundings, notifier: Notifier | None = None) -> Composition:
    """Put a station together. InputError for a configuration that cannot be.

    `notifier` hears when the station is ready, and as long as its loop turns.
    """
    eyes = around.eyes(settings)
    notifier = notifier or Notifier()
    inbox = WatchedInbox(notifier)
    with ExitStack() as undo:
        hardware = around.build_hardware(inbox, around.clock)
        undo.callback(hardware.stop)
        journal = _journal(settings)
        workers = around.make_workers(inbox)
        parts = _parts(settings, around, eyes, hardware, journal, workers)
        undo.pop_all()
    if EmergencyLatch.of(settings).is_set:
        log.error("an emergency was not ended; every motor stays stopped until a staff card is tapped")
        inbox.post(FaultRaised(around.clock.now(), FaultCode.EMERGENCY_STOP, STATION))
    for fault in around.faults:
        inbox.post(FaultRaised(around.clock.now(), fault, KEYS))
    around.loads(lambda: eyes.classifier.load(around.clock, inbox))
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
        screen=_screen(settings, prompts, around.clock, hardware) if around.has_screen else None,
        boot=boot_id(),
    )


def _screen(settings: StationSettings, prompts: PromptRenderer, clock: Clock, hardware: Hardware) -> Screen:
    folder = LiveFolder(Path(settings.station.runtime_dir))
    place, names = settings.station, station_names(settings.station)
    label = StationLabel(place.community, place.name, LiveText(names.zh, names.en))
    return Screen(folder, visit_rules(settings), label, prompts, clock, _jpeg, readings=hardware.readings)


def _jpeg(photo: Photo) -> bytes:
    return encode_jpeg(cast("Rgb", photo))
