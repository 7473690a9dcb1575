"""Checks readers, controllers, lids and cameras through the station's own drivers.

The check runs the same code as the station: it builds and starts the hardware as the station does, and reads
the drivers' events for a few seconds. Nothing moves unless asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from cloud_sync.wire.station_state import (
    CabinetReading,
    DoorReading,
    SupplyReading,
    TemperatureReading,
)
from config.errors import InputError
from config.station import BinSection, StationSettings
from config.wiring import ReaderSection
from config.words import Both, Words
from edge.check.finding import Finding, Level
from edge.check.scales import is_of_a_scale, judge_scales, readings
from edge.eye.client import EyePhoto
from edge.faults import CATALOGUE, FaultCode, Severity
from edge.hardware.hardware import BuildHardware, Hardware
from edge.hardware.weight.scale import Reading
from edge.loop.clocks import boot_id
from edge.loop.inbox import QueueInbox
from edge.messages import Event, FaultCleared, FaultRaised, LidClosed, LidObstructed, LidOpened, Tapped
from edge.part_kinds import EYE, PartKind, kind_of
from edge.ports import CameraError, Clock
from edge.readers.last_seen import read_last_seen
from edge.readers.registry import kind_of as kind_of_reader

LOST = (FaultCode.EYE_LOST, EYE)
DARK = 12.0
"""Mean brightness, 0 to 255, below which nothing can be recognised."""
LOOK_S = 0.2
EYE_STARTS_S = 20.0
"""How long an eye that does not answer gets: on a Pi it loads its libraries for seconds."""
MOVE_LEASE_S = 2.0


@dataclass(slots=True)
class Observed:
    """The drivers' events and readings so far."""

    opened: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    obstructed: set[str] = field(default_factory=set)
    tapped: set[str] = field(default_factory=set)
    faults: set[tuple[str, str]] = field(default_factory=set)
    """(code, part) of the faults that are raised now."""
    brightness: dict[str, float] = field(default_factory=dict)
    """Mean brightness of the last picture, by bin."""
    weights: dict[str, Reading] | None = field(default_factory=dict)
    """Readings of scales, by bin; None while a running station has the scales."""
    cabinets: tuple[CabinetReading, ...] = ()
    """Readings of cabinets; empty while a running station has the controllers."""
    heard: dict[str, str] = field(default_factory=dict)
    """When a reader last sent data since the Pi started, as text."""
    moved: dict[str, bool] = field(default_factory=dict)
    """Whether a lid that was asked to opened and shut again, by bin."""

    def note(self, event: Event) -> None:
        """Note one event."""
        match event:
            case LidOpened(bin=bin_id):
                self.opened.add(bin_id)
            case LidClosed(bin=bin_id):
                self.closed.add(bin_id)
            case LidObstructed(bin=bin_id):
                self.obstructed.add(bin_id)
            case Tapped(reader=reader):
                self.tapped.add(reader)
            case FaultRaised(fault=code, part=part):
                self.faults.add((code, part))
            case FaultCleared(fault=code, part=part):
                self.faults.discard((code, part))


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What the check does: how long it listens, and whether it waits for cards or moves lids."""

    listen_s: float = 4.0
    taps_s: float = 0.0
    move: bool = False


def check_devices(
    settings: StationSettings,
    build_hardware: BuildHardware,
    clock: Clock,
    wanted: CheckOptions,
    words: Words,
    tell: Callable[[str], None] = lambda _key: None,
) -> list[Finding]:
    """Build the hardware, listen, take pictures, move lids if wanted, and leave everything safe.

    `tell` gets the name of a text when a person has to do something, for example hold a card.
    """
    inbox = QueueInbox()
    try:
        hardware = build_hardware(inbox, clock)
    except InputError as problem:
        values = {"reason": problem.what, "mend": problem.mend}
        return [Finding("devices", Level.FAILED, "refused", values=values)]
    observed = Observed()
    try:
        hardware.start()
        _listen(inbox, observed, clock, wanted.listen_s, lambda: _all_said(settings, observed))
        _listen(inbox, observed, clock, EYE_STARTS_S, lambda: LOST not in observed.faults)
        _look(settings, hardware, observed)
        observed.weights = readings(hardware)
        observed.cabinets = hardware.readings()
        if wanted.taps_s:
            tell("hold_a_card")
            everyone = {reader.id for reader in settings.reader}
            _listen(inbox, observed, clock, wanted.taps_s, lambda: observed.tapped >= everyone)
        if wanted.move:
            tell("lids_move")
            for bin_ in settings.bin:
                _move(settings, bin_, hardware, inbox, observed, clock)
    finally:
        hardware.stop()
    observed.heard = when_heard(settings, clock)
    return judge(settings, observed, wanted, words)


def when_heard(settings: StationSettings, clock: Clock) -> dict[str, str]:
    """Return when each reader last sent data, by the calendar, as far as the station recorded it."""
    heard = read_last_seen(Path(settings.station.runtime_dir), boot_id())
    offset_s, zone = clock.wall().unix_s - clock.now(), ZoneInfo(settings.station.timezone)
    return {
        reader.id: f"{datetime.fromtimestamp(heard[reader.id] + offset_s, zone):%Y-%m-%d %H:%M}"
        for reader in settings.reader
        if reader.id in heard
    }


def _all_said(settings: StationSettings, observed: Observed) -> bool:
    """Return whether every lid has reported its position; ports and cameras only report faults, so wait."""
    return False if settings.camera or settings.reader else len(observed.closed) == len(settings.bin)


def _listen(
    inbox: QueueInbox, observed: Observed, clock: Clock, seconds: float, enough: Callable[[], bool]
) -> None:
    until = clock.now() + seconds
    while clock.now() < until and not enough():
        taken = inbox.take(min(LOOK_S, max(0.0, until - clock.now())))
        if taken is not None and taken[0] is not None:
            observed.note(taken[0])


def _look(settings: StationSettings, hardware: Hardware, observed: Observed) -> None:
    for bin_ in settings.bin:
        if bin_.camera is None:
            continue
        try:
            pictures = hardware.camera.take(bin_.id)
        except CameraError:
            continue
        observed.brightness[bin_.id] = max(one.brightness for one in pictures if isinstance(one, EyePhoto))


def _move(
    settings: StationSettings,
    bin_: BinSection,
    hardware: Hardware,
    inbox: QueueInbox,
    observed: Observed,
    clock: Clock,
) -> None:
    """Open one lid briefly and wait until it is shut again."""
    travel_s = 2 * settings.visit.travel_s + 1
    observed.opened.discard(bin_.id)
    hardware.lids[bin_.id].open(MOVE_LEASE_S)
    _listen(inbox, observed, clock, travel_s, lambda: bin_.id in observed.opened)
    observed.closed.discard(bin_.id)
    _listen(inbox, observed, clock, MOVE_LEASE_S + travel_s, lambda: bin_.id in observed.closed)
    observed.moved[bin_.id] = bin_.id in observed.opened and bin_.id in observed.closed


def judge(settings: StationSettings, observed: Observed, wanted: CheckOptions, words: Words) -> list[Finding]:
    """Judge every device. Pure."""
    # Sorted by severity: the most severe comes last and is kept for its part.
    faults = sorted(observed.faults, key=_gravity)
    faulty = {(kind_of(code, part), part): code for code, part in faults if not is_of_a_scale(code)}
    found = []
    for kinds, name, part, judged in _devices(settings, observed, wanted):
        codes = [code for kind in kinds if (code := faulty.pop((kind, part), None)) is not None]
        gravest = max(codes, key=lambda code: _gravity((code, part)), default=None)
        found.append(judged() if gravest is None else _fault(name, part, gravest, words, observed))
    found += judge_scales(settings.bin, observed.weights, observed.faults, words)
    return found + [_fault("devices", part, code, words, observed) for (_, part), code in faulty.items()]


def _devices(
    settings: StationSettings, observed: Observed, wanted: CheckOptions
) -> Iterator[tuple[tuple[PartKind, ...], str, str, Callable[[], Finding]]]:
    """Yield each device's kinds of fault, name in texts.toml and id, and its finding if it has no fault."""
    for reader in settings.reader:
        kinds = (PartKind.READER, PartKind.PORT)
        yield kinds, "reader", reader.id, partial(_reader, reader, observed, wanted)
    for controller in settings.controller:
        kinds = (PartKind.CONTROLLER, PartKind.PORT)
        well = partial(_controller, controller.id, observed)
        yield kinds, "controller", controller.id, well
    for bin_ in settings.bin:
        yield (PartKind.BIN,), "lid", bin_.id, partial(_lid, bin_.id, observed, wanted)
    if any(bin_.camera is not None for bin_ in settings.bin):
        yield (PartKind.EYE,), "eye", EYE, partial(Finding, "eye", Level.OK, "eye_ok")
    if LOST in observed.faults:
        return  # nobody knows how its cameras are
    for camera in settings.camera:
        yield (PartKind.CAMERA,), "camera", camera.id, partial(_camera, camera.id, settings.bin, observed)


def _gravity(fault: tuple[str, str]) -> tuple[bool, str, str]:
    return (CATALOGUE[FaultCode(fault[0])].severity is Severity.ERROR, *fault)


def _fault(kind: str, part: str, code: str, words: Words, observed: Observed) -> Finding:
    is_warning = CATALOGUE[FaultCode(code)].severity is Severity.WARNING
    level = Level.DOUBTFUL if is_warning else Level.FAILED
    if kind == "reader" and part in observed.heard:
        return Finding(
            kind, level, "fault_heard", part, {"heard": observed.heard[part]}, fault=words.fault[code]
        )
    return Finding(kind, level, "fault", part, fault=words.fault[code])


def _controller(controller: str, observed: Observed) -> Finding:
    readings = [reading for reading in observed.cabinets if reading.part == controller]
    if not readings:
        return Finding("controller", Level.OK, "controller_ok", controller)
    words = {"readings": _in_words(readings)}
    return Finding("controller", Level.OK, "controller_reads", controller, words=words)


def _in_words(readings: Iterable[CabinetReading]) -> Both:
    said = [_reading(reading) for reading in readings]
    return Both("，".join(one.zh for one in said), ", ".join(one.en for one in said))


def _reading(reading: CabinetReading) -> Both:
    match reading:
        case TemperatureReading():
            return Both(f"{reading.value:.1f} °C", f"{reading.value:.1f} °C")
        case SupplyReading():
            return Both(f"供电 {reading.value:.1f} V", f"supply {reading.value:.1f} V")
        case DoorReading(is_open=True):
            return Both("门开着", "door open")
        case DoorReading():
            return Both("门关着", "door shut")


def _reader(section: ReaderSection, observed: Observed, wanted: CheckOptions) -> Finding:
    kind, part = kind_of_reader(section), section.id
    words = {"kind": kind.title, "mend": kind.unread_mend}
    if part in observed.tapped:
        return Finding("reader", Level.OK, "reader_read", part, words=words)
    if wanted.taps_s:
        return Finding("reader", Level.FAILED, "reader_unread", part, words=words)
    if part in observed.heard:
        values = {"heard": observed.heard[part]}
        return Finding("reader", Level.OK, "reader_heard", part, values, words)
    return Finding("reader", Level.OK, "reader_ok", part, words=words)


def _lid(bin_id: str, observed: Observed, wanted: CheckOptions) -> Finding:
    if wanted.move:
        moved = observed.moved.get(bin_id, False)
        return Finding(
            "lid", Level.OK if moved else Level.FAILED, "lid_moved" if moved else "lid_stands", bin_id
        )
    if bin_id in observed.closed and bin_id in observed.opened:
        return Finding("lid", Level.FAILED, "lid_both", bin_id)
    if bin_id in observed.closed:
        return Finding("lid", Level.OK, "lid_shut", bin_id)
    if bin_id in observed.opened:
        return Finding("lid", Level.DOUBTFUL, "lid_open", bin_id)
    return Finding("lid", Level.FAILED, "lid_silent", bin_id)


def _camera(camera_id: str, bins: Iterable[BinSection], observed: Observed) -> Finding:
    seen = {
        bin_.id: observed.brightness[bin_.id]
        for bin_ in bins
        if bin_.camera == camera_id and bin_.id in observed.brightness
    }
    if not seen:
        return Finding("camera", Level.FAILED, "camera_blind", camera_id)
    dark = sorted(bin_id for bin_id, brightness in seen.items() if brightness < DARK)
    if dark:
        return Finding("camera", Level.DOUBTFUL, "camera_dark", camera_id, {"bins": ", ".join(dark)})
    return Finding("camera", Level.OK, "camera_ok", camera_id, {"bins": ", ".join(sorted(seen))})
