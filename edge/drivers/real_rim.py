"""All real devices of a station, as its station.toml names them, put together into one rim."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol, TypeVar

from config.errors import InputError
from config.wiring import HBridgeLid
from edge.drivers.camera import UsbCamera, open_capture
from edge.drivers.gpio_lid import GpioLid
from edge.drivers.serial_reader import SerialReader
from edge.drivers.sight import LidNews, Sight
from edge.drivers.switches import FullSwitch, GpioButton
from edge.rim import Rim
from firmware_bridge.lid_motion import lid_times

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.station import CameraSection, StationSettings
    from edge.drivers.camera import Capture
    from edge.drivers.pins import Factory
    from edge.inbox import QueueInbox
    from edge.ports import Clock, Inbox
    from edge.rim import MakeRim


class _Device(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...


_D = TypeVar("_D", bound=_Device)
_T = TypeVar("_T")


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


def real_rim(
    settings: StationSettings,
    card_key: bytes,
    factory: Factory,
    opener: Callable[[CameraSection], Capture] = open_capture,
) -> MakeRim:
    """What builds the devices of a real station; InputError for a pin or port that cannot be had.

    `factory` are the pins, `edge.drivers.pins.real_pins` on a Pi. Nothing moves and nothing is posted
    before the rim's start; its stop halts the lids' motors before it ends anything else.
    """

    def make(inbox: QueueInbox, clock: Clock) -> Rim:
        devices = _Devices()
        with ExitStack() as undo:
            undo.callback(devices.stop)
            _add_readers(devices, settings, card_key, clock, inbox)
            sight = _add_cameras(devices, settings, clock, inbox, opener)
            _add_switches(devices, settings, clock, inbox, factory)
            lids = _add_lids(devices, settings, clock, LidNews(inbox, sight), factory)
            undo.pop_all()
        return Rim(lids, sight, devices.start, devices.stop)

    return make


def _add_readers(
    devices: _Devices, settings: StationSettings, card_key: bytes, clock: Clock, inbox: Inbox
) -> None:
    for reader in settings.reader:
        port = _named(reader.port, f"reader {reader.id}: no port")
        devices.add(SerialReader(reader.id, port, card_key, clock, inbox))


def _add_cameras(
    devices: _Devices,
    settings: StationSettings,
    clock: Clock,
    inbox: Inbox,
    opener: Callable[[CameraSection], Capture],
) -> Sight:
    cameras = {}
    for section in settings.camera:
        regions = {bin_.id: bin_.region for bin_ in settings.bin if bin_.camera == section.id}
        cameras[section.id] = devices.add(UsbCamera(section, regions, clock, inbox, opener))
    return Sight({bin_.id: cameras[bin_.camera] for bin_ in settings.bin if bin_.camera is not None})


def _add_switches(
    devices: _Devices, settings: StationSettings, clock: Clock, inbox: Inbox, factory: Factory
) -> None:
    for bin_ in settings.bin:
        if bin_.button is not None:
            devices.add(GpioButton(bin_.id, bin_.button, clock, inbox, factory))
        if bin_.full_switch is not None:
            devices.add(FullSwitch(bin_.id, bin_.full_switch, clock, inbox, factory))


def _add_lids(
    devices: _Devices, settings: StationSettings, clock: Clock, inbox: Inbox, factory: Factory
) -> dict[str, GpioLid]:
    times = lid_times(settings.visit)
    lids = {}
    for bin_ in settings.bin:
        wires = _named(bin_.lid, f"bin {bin_.id}: no lid")
        if not isinstance(wires, HBridgeLid):
            raise InputError(f"bin {bin_.id}: its kind of lid cannot be driven yet", 'use kind = "h_bridge"')
        lids[bin_.id] = devices.add(GpioLid(bin_.id, wires, times, clock, inbox, factory))
    return lids


def _named(value: _T | None, what: str) -> _T:
    if value is None:
        raise InputError(what, "add it to the station's configuration")
    return value
