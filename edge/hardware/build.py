"""Builds all real devices of a station from its station.toml."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

from cloud_sync.wire.commands import Part
from config.errors import InputError
from config.station import StationSettings
from edge.eye.client import EyeLink
from edge.eye.eyes import Eyes, blind, label_words
from edge.hardware.contacts import FullSwitch, GpioButton, PanicButton
from edge.hardware.controller.controller import Mcu
from edge.hardware.hardware import BuildHardware, Hardware
from edge.hardware.lid_news import LidNews, LidWatcher, Nobody
from edge.hardware.pins import Factory
from edge.hardware.weight.scale import Scale
from edge.lids.client import KeeperLink
from edge.lids.process import kept_lids, socket_folders
from edge.loop.clocks import boot_id
from edge.loop.inbox import QueueInbox
from edge.messages import Photo
from edge.ports import Camera, CameraError, Clock, Inbox, Lid, Mover
from edge.readers.kind import ReaderServices
from edge.readers.last_seen import LastSeenBook
from edge.readers.pseudonym import Cards
from edge.readers.registry import kind_of
from firmware_bridge.decoders.em4100 import CardBits
from firmware_bridge.port import SerialPort


class _Device(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...


_D = TypeVar("_D", bound=_Device)


class _Devices:
    """Starts and stops devices, the newest first: lids are added last, because motors must not wait."""

    def __init__(self) -> None:
        self._made: list[_Device] = []
        self._stops = ExitStack()

    def add(self, device: _D) -> _D:
        self._made.append(device)
        self._stops.callback(device.stop)
        return device

    def start(self) -> None:
        for device in reversed(self._made):
            device.start()

    def stop(self) -> None:
        self._stops.close()


def hardware_builder(
    settings: StationSettings, card_key: bytes, make_pins: Callable[[], Factory]
) -> BuildHardware:
    """Return a builder of a real station's devices; it raises InputError for an unusable pin or port.

    `make_pins` gives the pins, on a Pi `edge.hardware.pins.real_pins`. It is called only if a button or a
    switch needs a pin: the lids' pins belong to the lids' process. Nothing is posted before `start`; `stop`
    ends the lids' leases first.
    """

    def make(inbox: QueueInbox, clock: Clock) -> Hardware:
        devices = _Devices()
        cards = Cards(card_key, CardBits(settings.station.card_bits))
        with ExitStack() as undo:
            undo.callback(devices.stop)
            last_seen = LastSeenBook(Path(settings.station.runtime_dir), boot_id(), clock)
            readers = ReaderServices(cards, clock, inbox, SerialPort, last_seen)
            _add_readers(devices, settings, readers)
            eye = eye_of(settings, clock, inbox)
            watcher: LidWatcher = Nobody() if eye is None else devices.add(eye)
            _add_switches(devices, settings, clock, inbox, make_pins)
            scales = {
                bin_.id: Scale(bin_.id, bin_.scale, clock, inbox)
                for bin_ in settings.bin
                if bin_.scale is not None
            }
            news = LidNews(inbox, watcher, scales)
            lids, movers = _add_lids(devices, settings, clock, news, readers)
            undo.pop_all()
        ends: dict[Part, Callable[[], bool]] = {} if eye is None else {"eye": eye.end_process}
        if keeper := next((mover for mover in movers if isinstance(mover, KeeperLink)), None):
            ends["lids"] = keeper.end_process
        cabinets = {mover.id: mover.cabinet for mover in movers if isinstance(mover, Mcu)}
        camera, eyes = seeing(eye, settings)
        return Hardware(lids, movers, camera, devices.start, devices.stop, eyes, scales, cabinets, ends)

    return make


def _add_readers(devices: _Devices, settings: StationSettings, services: ReaderServices) -> None:
    """Make the drivers of readers that are not at a controller."""
    for section in settings.reader:
        if section.wiring.input is not None:
            continue
        kind = kind_of(section)
        if kind.drive is None:
            raise InputError(f"reader {section.id}: {kind.name} needs a controller", "name its controller")
        devices.add(kind.drive(section, services))


class NoCamera:
    """Stands for the camera of a station without one. Implements `edge.ports.Camera`."""

    def take(self, bin_id: str) -> tuple[Photo, ...]:
        """Raise CameraError."""
        raise CameraError(f"no camera looks at bin {bin_id}")


def eye_of(settings: StationSettings, clock: Clock, inbox: Inbox) -> EyeLink | None:
    """Return the client of the eye process; None if no bin has a camera."""
    bins = [bin_.id for bin_ in settings.bin if bin_.camera is not None]
    if not bins:
        return None
    waits = settings.visit.capture_s, settings.visit.classify_s
    return EyeLink(Path(settings.station.runtime_dir), bins, waits, clock, inbox)


def seeing(eye: EyeLink | None, settings: StationSettings) -> tuple[Camera, Eyes]:
    """Return the station's camera and the classifier of its pictures."""
    if eye is None:
        return NoCamera(), blind()
    return eye, Eyes(eye, label_words(settings), eye.show, eye.offer)


def _add_switches(
    devices: _Devices,
    settings: StationSettings,
    clock: Clock,
    inbox: Inbox,
    make_pins: Callable[[], Factory],
) -> None:
    no_contacts = all(bin_.button is None and bin_.full_switch is None for bin_ in settings.bin)
    if no_contacts and settings.panic is None:
        return
    factory = make_pins()
    if settings.panic is not None:
        devices.add(PanicButton(settings.panic.pin, clock, inbox, factory))
    for bin_ in settings.bin:
        if bin_.button is not None:
            devices.add(GpioButton(bin_.id, bin_.button, clock, inbox, factory))
        if bin_.full_switch is not None:
            devices.add(FullSwitch(bin_.id, bin_.full_switch, clock, inbox, factory))


def _add_lids(
    devices: _Devices,
    settings: StationSettings,
    clock: Clock,
    news: LidNews,
    readers: ReaderServices,
) -> tuple[dict[str, Lid], tuple[Mover, ...]]:
    """Make controllers with all their parts, and the keeper's lids; return the lids and their movers."""
    lids: dict[str, Lid] = {}
    movers: list[Mover] = []
    for section in settings.controller:
        mcu = devices.add(Mcu(section, settings, replace(readers, inbox=news)))
        for bin_ in settings.bin:
            if bin_.scale is not None and bin_.scale.controller == section.id:
                mcu.add_scale(news.scales[bin_.id])
        lids |= mcu.lids
        movers.append(mcu)
    if wired := kept_lids(settings):
        keeper = KeeperLink(socket_folders(settings), wired, clock, news)
        lids |= devices.add(keeper).lids
        movers.append(keeper)
    return lids, tuple(movers)
