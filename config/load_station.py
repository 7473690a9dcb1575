"""Load a station.toml and hold it together: names that point nowhere, wires used twice, paths."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

from config.common import (
    Problem,
    absolute_broker,
    absolute_sorting,
    beside_or_shipped,
    broker_problems,
    under,
    zone_problems,
)
from config.errors import InputError
from config.load import load_toml
from config.station import BinSection, Devices, LidSection, OpenBy, StationSettings

_PULLED_UP = range(9)
"""Pins that a Pi pulls up from power-on until a program sets them (BCM2711 ARM Peripherals, 5.3)."""


def load_station(path: Path) -> StationSettings:
    """The station described by a TOML file; paths in it become absolute. InputError names what is wrong."""
    settings = load_toml(path, StationSettings)
    for problem, mend in _problems(settings):
        raise InputError(f"{path}: {problem}", mend)
    settings = _absolute(settings, path.resolve().parent)
    for problem, mend in _missing_files(settings):
        raise InputError(f"{path}: {problem}", mend)
    return settings


def _problems(settings: StationSettings) -> list[Problem]:
    """What no single key can tell is wrong: names that point nowhere, or twice to one thing."""
    readers = [reader.id for reader in settings.reader]
    cameras = [camera.id for camera in settings.camera]
    found = _duplicates("bin", [bin_.id for bin_ in settings.bin])
    found += _duplicates("reader", readers) + _duplicates("camera", cameras)
    for number, bin_ in enumerate(settings.bin):
        found += _bin_problems(f"bin[{number}]", bin_, readers, cameras)
        if settings.station.devices is Devices.REAL:
            found += _real_bin_problems(f"bin[{number}]", bin_)
    if settings.station.devices is Devices.REAL:
        found += [
            (f"reader[{number}].port: a real reader needs its serial port", 'add port = "/dev/…"')
            for number, reader in enumerate(settings.reader)
            if reader.port is None
        ]
        found += _ports_used_twice(settings) + _pins_used_twice(settings)
    return found + _wait_problems(settings) + _place_problems(settings)


def _duplicates(kind: str, ids: list[str]) -> list[Problem]:
    twice = [name for name, count in Counter(ids).items() if count > 1]
    return [(f"{kind}: two have the id {name}", "give each its own id") for name in twice]


def _bin_problems(key: str, bin_: BinSection, readers: list[str], cameras: list[str]) -> list[Problem]:
    found = []
    if bin_.open_by is OpenBy.READER and bin_.reader is None:
        found.append((f'{key}.reader: missing, and open_by is "reader"', "name the bin's reader"))
    if bin_.reader is not None and bin_.reader not in readers:
        found.append((f"{key}.reader: no reader {bin_.reader}", f"known: {', '.join(readers)}"))
    if bin_.camera is not None and bin_.camera not in cameras:
        found.append((f"{key}.camera: no camera {bin_.camera}", f"known: {', '.join(cameras) or 'none'}"))
    left, top, right, bottom = bin_.region
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        found.append((f"{key}.region: not left, top, right, bottom within 0 to 1", "mend the four numbers"))
    return found


def _real_bin_problems(key: str, bin_: BinSection) -> list[Problem]:
    found = []
    if bin_.lid is None:
        found.append(
            (f"{key}.lid: missing, and devices are real", "add [bin.lid] with its pins below that [[bin]]")
        )
    if bin_.open_by is OpenBy.BUTTON and bin_.button is None:
        found.append((f'{key}.button: missing, and open_by is "button"', "name the button's pin"))
    return found + _motor_problems(f"{key}.lid", bin_.lid)


def _motor_problems(key: str, lid: LidSection | None) -> list[Problem]:
    """A motor's pin that is high while the Pi starts would move the lid with nobody watching."""
    pins = {} if lid is None else {"open_pin": lid.open_pin, "close_pin": lid.close_pin}
    return [
        (f"{key}.{name}: pin {pin} is high while the Pi starts and would run the motor", "use 9 to 27")
        for name, pin in pins.items()
        if pin in _PULLED_UP
    ]


def _ports_used_twice(settings: StationSettings) -> list[Problem]:
    first: dict[str, int] = {}
    for number, reader in enumerate(settings.reader):
        if reader.port is not None:
            first.setdefault(reader.port, number)
    return [
        (f"reader[{number}].port: {reader.port} is already reader[{first[reader.port]}].port", "name its own")
        for number, reader in enumerate(settings.reader)
        if reader.port is not None and first[reader.port] != number
    ]


def _pins_used_twice(settings: StationSettings) -> list[Problem]:
    users: dict[int, list[str]] = {}
    for number, bin_ in enumerate(settings.bin):
        pins = {"button": bin_.button, "full_switch": bin_.full_switch}
        if bin_.lid is not None:
            pins |= {f"lid.{name}": pin for name, pin in msgspec.structs.asdict(bin_.lid).items()}
        for name, pin in pins.items():
            if pin is not None:
                users.setdefault(pin, []).append(f"bin[{number}].{name}")
    return [
        (f"{keys[1]}: pin {pin} is already {keys[0]}", "give each wire its own pin")
        for pin, keys in users.items()
        if len(keys) > 1
    ]


def _wait_problems(settings: StationSettings) -> list[Problem]:
    visit = settings.visit
    if min(visit.lease_s, visit.max_open_s) > visit.travel_s:
        return []
    key = "lease_s" if visit.lease_s <= visit.travel_s else "max_open_s"
    return [(f"visit.{key}: over before the lid stands open", "make it longer than visit.travel_s")]


def _place_problems(settings: StationSettings) -> list[Problem]:
    zone = zone_problems("station.timezone", settings.station.timezone)
    return zone + broker_problems("cloud", settings.cloud)


def _missing_files(settings: StationSettings) -> list[Problem]:
    """Files that a key names and that are not there; the settings' paths are absolute by now."""
    named = {
        "station.rules": settings.station.rules,
        "cloud.tls_ca": settings.cloud.tls_ca,
        "cloud.password_file": settings.cloud.password_file,
    }
    return [
        (f"{key}: no file {file}", "create it, or name another")
        for key, file in named.items()
        if file is not None and not Path(file).is_file()
    ]


def _absolute(settings: StationSettings, base: Path) -> StationSettings:
    place = msgspec.structs.replace(
        settings.station,
        state_dir=str(base / settings.station.state_dir),
        runtime_dir=str(base / settings.station.runtime_dir),
        rules=beside_or_shipped(base, settings.station.rules),
    )
    model = msgspec.structs.replace(
        settings.model,
        bundle=under(base, settings.model.bundle),
        sorting=absolute_sorting(base, settings.model.sorting),
    )
    cloud = absolute_broker(settings.cloud, base)
    return msgspec.structs.replace(settings, station=place, cloud=cloud, model=model)
