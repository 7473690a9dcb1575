"""All real devices of a station, as its station.toml names them, put together."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

from config.errors import InputError
from config.station import CameraSection, StationSettings
from edge.eye.camera import UsbCamera, VideoDevice, open_capture
from edge.eye.camera_router import LidNews, Sight
from edge.hardware.contacts import FullSwitch, GpioButton, PanicButton
from edge.hardware.controller.controller import Mcu
from edge.hardware.hardware import BuildHardware, Hardware
from edge.hardware.pins import Factory
from edge.hardware.weight.scale import Scale
from edge.lids.client import KeeperLink
from edge.lids.process import kept_lids, socket_folders
from edge.loop.clocks import boot_id
from edge.loop.inbox import QueueInbox
from edge.ports import Clock, Inbox, Lid, Mover
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
    """Starts and stops devices, the one made last first: lids are made last, for a motor must not wait."""

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
    settings: StationSettings,
    card_key: bytes,
    make_pins: Callable[[], Factory],
    opener: Callable[[CameraSection], VideoDevice] = open_capture,
) -> BuildHardware:
    """What builds the devices of a real station; InputError for a pin or port that cannot be had.

    `make_pins` gives the pins, `edge.hardware.pins.real_pins` on a Pi; it is called only if a button or a
    switch of a bin needs one, since the lids' pins belong to the lids' process. Nothing is posted before
    `start`; `stop` ends the lids' leases before anything else.
    """

    def make(inbox: QueueInbox, clock: Clock) -> Hardware:
        devices = _Devices()
        cards = Cards(card_key, CardBits(settings.station.card_bits))
        with ExitStack() as undo:
            undo.callback(devices.stop)
            last_seen = LastSeenBook(Path(settings.station.runtime_dir), boot_id(), clock)
            readers = ReaderServices(cards, clock, inbox, SerialPort, last_seen)
            _add_readers(devices, settings, readers)
            sight = _add_cameras(devices, settings, clock, inbox, opener)
            _add_switches(devices, settings, clock, inbox, make_pins)
            scales = {
                bin_.id: Scale(bin_.id, bin_.scale, clock, inbox)
                for bin_ in settings.bin
                if bin_.scale is not None
            }
            news = LidNews(inbox, sight, scales)
            lids, movers = _add_lids(devices, settings, clock, news, readers)
            undo.pop_all()
        cabinets = {mover.id: mover.cabinet for mover in movers if isinstance(mover, Mcu)}
        return Hardware(lids, movers, sight, devices.start, devices.stop, scales, cabinets)

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


def _add_cameras(
    devices: _Devices,
    settings: StationSettings,
    clock: Clock,
    inbox: Inbox,
    opener: Callable[[CameraSection], VideoDevice],
) -> Sight:
    cameras = {}
    for section in settings.camera:
        regions = {bin_.id: bin_.region for bin_ in settings.bin if bin_.camera == section.id}
        cameras[section.id] = devices.add(UsbCamera(section, regions, clock, inbox, opener))
    return Sight({bin_.id: cameras[bin_.camera] for bin_ in settings.bin if bin_.camera is not None})


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
    """Lids at controllers, with all else there, those that the keeper holds, and what moves them."""
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
