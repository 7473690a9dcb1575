"""The composition root: the only place that chooses the parts of a station.

A real and a simulated station differ only in what `Surroundings` holds, such as hardware, clock and workers.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from cloud_sync.rules.award_rules import AwardRules
from cloud_sync.service.systemd import Notifier
from config.process.threads import thread
from config.reading.load import load_toml
from config.reading.load_sorting import load_sorting
from config.station import StationSettings
from config.words import load_words
from edge.downlink.age import age_s
from edge.downlink.folder import DownFolder
from edge.eye.eyes import Eyes
from edge.faults import FaultCode
from edge.hardware.build import hardware_builder
from edge.hardware.hardware import BuildHardware, Hardware
from edge.hardware.pins import real_pins
from edge.journal.store import SqliteJournal
from edge.loop.clocks import RealClock, boot_id, uptime_s
from edge.loop.latches import EmergencyLatch, ServiceLatch
from edge.loop.parts import Parts
from edge.loop.remote_orders import RemoteOrders
from edge.loop.station import Station
from edge.loop.watchdog import WatchedInbox
from edge.loop.workers import ThreadWorkers
from edge.messages import FaultRaised
from edge.part_kinds import STATION
from edge.ports import Clock, Inbox, Journal, Speaker, Workers
from edge.remote.desk import Desk
from edge.remote.freshness import Boot, Register
from edge.screen.names import station_names
from edge.screen.prompts import PromptRenderer
from edge.screen.publisher import Screen
from edge.screen.state import LiveFolder, LiveText
from edge.screen.view import StationLabel
from edge.visit.state import visit_rules
from edge.voice.log_speaker import LogSpeaker

log = logging.getLogger(__name__)

KEYS = "keys"
"""The part in faults of the station's keys."""
BOOT_BYTES = 16
"""A boot's token is 32 hex digits, drawn at random at each start of the station."""
EPOCH_BYTES = 8
"""An epoch is 16 hex digits, drawn at random each time that the journal is opened."""


def in_background(job: Callable[[], None]) -> None:
    """Do `job` on its own thread, without waiting for it."""
    thread(job, "model").start()


def at_once(job: Callable[[], None]) -> None:
    """Do `job` now."""
    job()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The parts that differ between a real station, one simulated in real time, and one in virtual time."""

    build_hardware: BuildHardware
    clock: Clock
    make_workers: Callable[[Inbox], Workers]
    has_screen: bool = True
    watch: Callable[[Journal], Journal] = lambda journal: journal
    """Wraps the journal, so that a caller learns of each visit."""
    listen: Callable[[Speaker], Speaker] = lambda speaker: speaker
    """Wraps the speaker, so that a caller learns of each prompt."""
    eyes: Callable[[StationSettings], Eyes] | None = None
    """Makes eyes in this process; if None, the hardware's are used, normally the eye process."""
    takes_commands: bool = True
    """Whether officers' commands may come, over a socket in the runtime folder."""
    faults: tuple[FaultCode, ...] = ()
    """Faults of the station's keys, for keys that could not be read."""
    loads: Callable[[Callable[[], None]], None] = in_background
    """How the model loads: in the background, so that lids need not wait for it; at once in virtual time."""


def real_surroundings(settings: StationSettings, card_key: bytes) -> Surroundings:
    """Return a real station's parts: this Pi's pins, serial ports and eye.

    Building the hardware raises InputError for a pin or port that cannot be used.
    """
    runtime = Path(settings.station.runtime_dir)
    return Surroundings(
        hardware_builder(settings, card_key, lambda: real_pins(runtime)), RealClock(), ThreadWorkers
    )


@dataclass(frozen=True, slots=True)
class Composition:
    """One complete station. `close` may be called even if it never ran."""

    station: Station
    hardware: Hardware
    workers: Workers
    journal: SqliteJournal
    notifier: Notifier
    eyes: Eyes
    desk: Desk | None = None
    """Where officers' commands come in."""

    def run(self) -> None:
        """Run the hardware and the station until `station.stop()`; then leave everything safe."""
        try:
            self.hardware.start()
            if self.desk is not None:
                self.desk.start()
            self.notifier.ready()
            self.station.run()
        finally:
            self.notifier.stopping()
            self.close()

    def close(self) -> None:
        """Stop lids first, then write waiting records on the journal's worker, because a disk may hang."""
        self.hardware.stop()
        self.eyes.stop()
        if self.desk is not None:
            self.desk.stop()
        self.station.flush()
        self.workers.submit("journal", self.journal.close, None)
        self.workers.stop()
        self.station.name_lost()


def compose(settings: StationSettings, around: Surroundings, notifier: Notifier | None = None) -> Composition:
    """Build a station; InputError for an impossible configuration.

    `notifier` is told when the station is ready, and pinged while its loop runs.
    """
    notifier = notifier or Notifier()
    inbox = WatchedInbox(notifier)
    with ExitStack() as undo:
        hardware = around.build_hardware(inbox, around.clock)
        undo.callback(hardware.stop)
        eyes = hardware.eyes if around.eyes is None else around.eyes(settings)
        journal = _journal(settings)
        workers = around.make_workers(inbox)
        desk, remote = _remote(settings, around, hardware, inbox)
        parts = replace(_parts(settings, around, eyes, hardware, journal, workers), remote=remote)
        undo.pop_all()
    if EmergencyLatch.of(settings).is_set:
        log.error("an emergency was not ended; every motor stays stopped until a staff card is tapped")
        inbox.post(FaultRaised(around.clock.now(), FaultCode.EMERGENCY_STOP, STATION))
    if ServiceLatch.of(settings).is_set:
        log.warning("the office took this station out of service; only its command ends that")
        inbox.post(FaultRaised(around.clock.now(), FaultCode.OUT_OF_SERVICE, STATION))
    for fault in around.faults:
        inbox.post(FaultRaised(around.clock.now(), fault, KEYS))
    around.loads(lambda: eyes.load(around.clock, inbox))
    return Composition(
        Station(inbox, visit_rules(settings), parts), hardware, workers, journal, notifier, eyes, desk
    )


def _remote(
    settings: StationSettings, around: Surroundings, hardware: Hardware, inbox: Inbox
) -> tuple[Desk | None, RemoteOrders | None]:
    if not around.takes_commands:
        return None, None
    place = settings.station
    boot = Boot(place.community, place.name, secrets.token_hex(BOOT_BYTES))
    desk = Desk(Path(place.runtime_dir), boot.token, around.clock, inbox)
    ends = {**hardware.ends, "sync": desk.send_sync_away}
    return desk, RemoteOrders(Register(boot), uptime_s, desk.answer, ends)


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
        latches={
            FaultCode.EMERGENCY_STOP: EmergencyLatch.of(settings),
            FaultCode.OUT_OF_SERVICE: ServiceLatch.of(settings),
        },
        workers=workers,
        screen=_screen(settings, prompts, around.clock, hardware, eyes) if around.has_screen else None,
        boot=boot_id(),
        offer=eyes.offer,
        roster_age_s=_roster_age(settings, around.clock),
    )


def _roster_age(settings: StationSettings, clock: Clock) -> Callable[[], float | None]:
    """Return what tells how old the ledger's list of cards is; only the journal's worker may call it."""
    place = settings.station
    if settings.cloud.ledger_url is None:
        return lambda: None
    folder, boot = DownFolder(Path(place.state_dir), place.community), boot_id()

    def age() -> float | None:
        confirmed = folder.confirmed()
        return None if confirmed is None else age_s(confirmed, boot, clock.now(), clock.wall())

    return age


def _screen(
    settings: StationSettings, prompts: PromptRenderer, clock: Clock, hardware: Hardware, eyes: Eyes
) -> Screen:
    folder = LiveFolder(Path(settings.station.runtime_dir))
    place, names = settings.station, station_names(settings.station)
    label = StationLabel(place.community, place.name, LiveText(names.zh, names.en))
    return Screen(folder, visit_rules(settings), label, prompts, clock, eyes.show, readings=hardware.readings)
