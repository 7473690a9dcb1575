"""Load a station.toml and check it as a whole: unknown names, wires used twice, missing files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from config.errors import InputError, Problem
from config.reading.check_trays import flaw_of
from config.reading.check_wiring import wiring_problems
from config.reading.common import (
    absolute_broker,
    absolute_sorting,
    beside_or_shipped,
    broker_problems,
    ledger_problems,
    under,
    zone_problems,
)
from config.reading.enrolled import IDENTITY, enrolled_names, with_enrolled
from config.reading.load import load_toml
from config.reading.reader_tables import ReaderTables
from config.station import BinSection, Devices, OpenBy, StationSettings

_STATION = "station"
"""The name of the part in the station's own faults."""
_MODEL = "model"
"""The name of the part in the model's own faults."""


def load_station(path: Path, readers: ReaderTables) -> StationSettings:
    """Return the station that a TOML file describes, its paths absolute. InputError names what is wrong.

    `readers` are the kinds that the file may name; `edge.station_file` passes all of them.
    """
    settings = load_toml(
        path, readers.record, prepare=lambda data: with_enrolled(readers.with_default_kind(data), path)
    )
    for problem, mend in _problems(settings):
        raise InputError(f"{path}: {problem}", mend)
    settings = _absolute(settings, path.resolve().parent)
    for problem, mend in _missing_files(settings):
        raise InputError(f"{path}: {problem}", mend)
    return settings


@dataclass(frozen=True, slots=True)
class Unenrolled:
    """What a station knows of itself before it enrols; names are empty where nobody gave any."""

    state_dir: Path
    community: str
    station: str


def load_unenrolled(path: Path, readers: ReaderTables) -> Unenrolled:
    """Check a station.toml that may still lack its names; InputError, also if it has a `[cloud]` table."""
    named: dict[str, str] = {}

    def prepare(data: dict[str, Any]) -> dict[str, Any]:
        if "cloud" in data:
            raise InputError(
                f"{path}: [cloud] stands here, and enrolment writes its own", "remove that table"
            )
        station = data.get("station")
        if not isinstance(station, dict):
            return data
        named.update(
            {key: station.get(key) or enrolled_names(station, path).get(key, "") for key in IDENTITY}
        )
        return readers.with_default_kind(data | {"station": dict.fromkeys(IDENTITY, "unnamed") | station})

    settings = load_toml(path, readers.record, prepare=prepare)
    for problem, mend in _problems(settings):
        raise InputError(f"{path}: {problem}", mend)
    place = _absolute(settings, path.resolve().parent)
    return Unenrolled(Path(place.station.state_dir), named["community"], named["name"])


class _Where(msgspec.Struct, frozen=True):
    state_dir: str


class _Bare(msgspec.Struct, frozen=True):
    station: _Where


def state_dir_of(path: Path) -> Path:
    """Return the state folder that a station.toml names, whatever else it says; InputError for none."""
    return path.resolve().parent / load_toml(path, _Bare).station.state_dir


def _problems(settings: StationSettings) -> list[Problem]:
    """Return the problems that no single key shows: unknown names, and things used twice."""
    readers = [reader.id for reader in settings.reader]
    cameras = [camera.id for camera in settings.camera]
    found = _duplicates("bin", [bin_.id for bin_ in settings.bin])
    found += _duplicates("reader", readers) + _duplicates("camera", cameras)
    found += _duplicates("controller", [controller.id for controller in settings.controller])
    found += _alike(readers, [controller.id for controller in settings.controller], cameras)
    for number, bin_ in enumerate(settings.bin):
        found += _bin_problems(f"bin[{number}]", bin_, readers, cameras)
    found += _one_camera_twice(settings)
    if settings.station.devices is Devices.REAL:
        found += wiring_problems(settings)
    return found + _wait_problems(settings) + _place_problems(settings)


def _duplicates(kind: str, ids: list[str]) -> list[Problem]:
    twice = [name for name, count in Counter(ids).items() if count > 1]
    return [(f"{kind}: two have the id {name}", "give each its own id") for name in twice]


def _alike(readers: list[str], controllers: list[str], cameras: list[str]) -> list[Problem]:
    """Find ids that would give two parts the same name in faults."""
    both = sorted(set(readers) & set(controllers))
    found = [(f"controller: a reader has the id {name}, too", "give each its own id") for name in both]
    if _STATION in controllers:
        what = f"controller: {_STATION} is the station's own name in faults"
        found.append((what, "give the controller another id"))
    if _MODEL in cameras:
        found.append((f"camera: {_MODEL} is the model's own name in faults", "give the camera another id"))
    return found


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
    if bin_.tray and (flaw := flaw_of(bin_.tray)) is not None:
        mend = "name the tray's corners in order around it, as docs/wiring.md shows"
        found.append((f"{key}.tray: {flaw}", mend))
    if bin_.tray and bin_.camera is None:
        found.append((f"{key}.tray: set, but the bin has no camera", "name its camera, or take the tray out"))
    return found


def _one_camera_twice(settings: StationSettings) -> list[Problem]:
    """Find cameras with the same source: a device can be opened only once."""
    first: dict[str, int] = {}
    for number, camera in enumerate(settings.camera):
        first.setdefault(camera_device(camera.source), number)
    twice = [
        (number, camera, first[camera_device(camera.source)])
        for number, camera in enumerate(settings.camera)
        if first[camera_device(camera.source)] != number
    ]
    return [
        (
            f"camera[{number}].source: {camera.source} is already camera[{before}].source",
            "give each its own, or let one camera see both bins",
        )
        for number, camera, before in twice
    ]


def camera_device(source: str | int) -> str:
    """Return one name for a camera's source: 0 and "/dev/video0" are the same device."""
    return f"/dev/video{source}" if isinstance(source, int) else source


def _wait_problems(settings: StationSettings) -> list[Problem]:
    """Find time limits that contradict each other."""
    visit, found = settings.visit, []
    if min(visit.lease_s, visit.max_open_s) <= visit.travel_s:
        key = "lease_s" if visit.lease_s <= visit.travel_s else "max_open_s"
        found = [(f"visit.{key}: ends before the lid is open", "make it longer than visit.travel_s")]
    pairs = [
        ("lease_s", visit.lease_s, "max_open_s", visit.max_open_s),
        ("lease_s", visit.lease_s, "max_visit_s", visit.max_visit_s),
    ]
    return found + [
        (f"visit.{short}: {less:g} s is longer than visit.{long}, {more:g} s", f"at most visit.{long}")
        for short, less, long, more in pairs
        if less > more
    ]


def _place_problems(settings: StationSettings) -> list[Problem]:
    zone = zone_problems("station.timezone", settings.station.timezone)
    return zone + broker_problems("cloud", settings.cloud) + ledger_problems("cloud", settings.cloud)


def _missing_files(settings: StationSettings) -> list[Problem]:
    """Find named files that do not exist; the settings' paths must be absolute."""
    named = {
        "station.rules": settings.station.rules,
        "cloud.tls_ca": settings.cloud.tls_ca,
        "cloud.password_file": settings.cloud.password_file,
        "cloud.ledger_ca": settings.cloud.ledger_ca,
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
    cloud = msgspec.structs.replace(cloud, ledger_ca=under(base, cloud.ledger_ca))
    return msgspec.structs.replace(settings, station=place, cloud=cloud, model=model)
