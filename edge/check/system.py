"""Checks the parts that are not devices: keys, disk, journal, clock, memory folder, model, pins."""

from __future__ import annotations

import os
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from config.errors import InputError
from config.reading.check_wiring import used_pins
from config.reading.files import refuse_special
from config.reading.load_sorting import load_sorting
from config.reading.private import make_private_folder
from config.station import Devices, StationSettings
from edge.check.causes import mend_for
from edge.check.finding import Finding, Level
from edge.journal.salvage import is_damage
from edge.journal.schema import JOURNAL_FILE, Owner, station_of
from edge.lids.process import kept_lids
from edge.ports import Clock
from edge.sync.keys import load_keys
from models.bundle import SHIPPED_BUNDLE, BundleError
from models.golden import golden_pictures
from models.runtime import load_classifier

BOOT = Path("/boot/firmware/config.txt")
LOW_MB, FULL_MB = 500, 50
"""A week without network is about 20,000 events, 60 MB; logs and updates need room too."""
SLOW_DISK_MS = 100.0
"""A slower write makes residents wait for their points."""
SYNCS = 5
SLOW_MODEL_MS = 1500.0
"""At this pace three frames of a deposit still fit into the visit's wait for a verdict."""
BUSES = {
    "i2c_arm": ("i2c-1", range(2, 4)),
    "spi": ("spidev0.*", range(7, 12)),
}
"""Each bus that `dtparam=` in config.txt switches on, with its devices and the pins that it takes."""
_IN_MEMORY = {"tmpfs", "ramfs"}


def check_system(settings: StationSettings, clock: Clock) -> list[Finding]:
    """Check everything but devices and the broker; a probe that fails is a finding, never an exception."""
    state_dir = Path(settings.station.state_dir)
    return [
        check_keys(state_dir),
        check_disk(state_dir),
        check_journal(state_dir, (settings.station.community, settings.station.name)),
        check_runtime_folder(Path(settings.station.runtime_dir)),
        check_clock(clock, ZoneInfo(settings.station.timezone)),
        check_model(settings),
        *check_pins(settings),
        *check_buses(settings),
    ]


def check_keys(state_dir: Path) -> Finding:
    """Check that the three keys exist and that no other user can read them."""
    try:
        load_keys(state_dir)
    except InputError as problem:
        return _failed("keys", "refused", reason=problem.what, mend=problem.mend)
    return Finding("keys", Level.OK, "keys_ok", values={"folder": str(state_dir)})


def check_disk(state_dir: Path, *, low_mb: int = LOW_MB, full_mb: int = FULL_MB) -> Finding:
    """Check that the journal's folder can be written, its free space, and how long a write takes."""
    try:
        took_ms = _sync_ms(state_dir)
        free_mb = shutil.disk_usage(state_dir).free // 1_000_000
    except OSError as error:
        mend, more = mend_for(error, state_dir)
        values = {"folder": str(state_dir), "reason": error.strerror or str(error), **more}
        return Finding("disk", Level.FAILED, "disk_refuses", values=values, mend=mend)
    values = {"free": str(free_mb), "ms": f"{took_ms:.0f}", "folder": str(state_dir)}
    if free_mb < full_mb:
        return Finding("disk", Level.FAILED, "disk_full", values=values)
    if free_mb < low_mb:
        return Finding("disk", Level.DOUBTFUL, "disk_full", values=values)
    slow = took_ms > SLOW_DISK_MS
    return Finding(
        "disk", Level.DOUBTFUL if slow else Level.OK, "disk_slow" if slow else "disk_ok", values=values
    )


def _sync_ms(folder: Path) -> float:
    """Measure the median time of a small write with fsync, in milliseconds."""
    took = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(SYNCS):
            start = time.perf_counter()
            file.write(b"tongzhan" * 512)
            file.flush()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - start) * 1000)
    return statistics.median(took)


def check_journal(state_dir: Path, ours: Owner) -> Finding:
    """Check that the journal can be read, is intact, and is this station's; a missing one is fine."""
    file = state_dir / JOURNAL_FILE
    try:
        refuse_special(file)
        file.open("rb").close()  # SQLite's own error would not say why
        verdict, owner = _verdict(file)
    except FileNotFoundError:
        return Finding("journal", Level.OK, "journal_none")
    except OSError as error:
        mend, more = mend_for(error, file)
        values = {"reason": error.strerror or str(error), **more}
        return Finding("journal", Level.FAILED, "journal_unread", values=values, mend=mend)
    except sqlite3.Error as error:
        return Finding("journal", Level.FAILED, "journal_unread", values={"reason": str(error)})
    if verdict != "ok":
        return Finding("journal", Level.FAILED, "journal_broken", values={"reason": verdict.splitlines()[0]})
    if owner not in {None, ours}:
        values = {"owner": "/".join(owner or ()), "ours": "/".join(ours), "folder": str(state_dir)}
        return Finding("journal", Level.FAILED, "journal_foreign", values=values)
    return Finding("journal", Level.OK, "journal_ok", values={"mb": f"{file.stat().st_size / 1_000_000:.1f}"})


def _verdict(file: Path) -> tuple[str, Owner | None]:
    """Return "ok" or the damage, and the journal's owner; sqlite3.Error if it cannot be checked."""
    try:
        return _quick_check(file, "mode=ro")
    except sqlite3.Error as error:
        if is_damage(error):
            return str(error), None
        with suppress(sqlite3.Error):  # a read-only disk: SQLite wants to write next to the file it reads
            return _quick_check(file, "mode=ro&immutable=1")
        raise


def _quick_check(file: Path, how: str) -> tuple[str, Owner | None]:
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?{how}", uri=True, timeout=5)) as journal:
        verdict = str(journal.execute("PRAGMA quick_check(1)").fetchone()[0])
        return verdict, station_of(journal) if verdict == "ok" else None


def check_runtime_folder(folder: Path, mounts: Path = Path("/proc/mounts")) -> Finding:
    """Check that the screen's folder can be written and is in memory, not on the card."""
    values = {"folder": str(folder)}
    try:
        make_private_folder(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        mend, more = mend_for(error, folder) if folder.is_dir() else ("", {})  # else systemd makes it
        values |= {"reason": error.strerror or str(error), **more}
        return Finding("runtime", Level.FAILED, "runtime_refuses", values=values, mend=mend)
    if _file_system(folder.resolve(), mounts) not in _IN_MEMORY:
        return Finding("runtime", Level.DOUBTFUL, "runtime_on_disk", values=values)
    return Finding("runtime", Level.OK, "runtime_ok", values=values)


def _file_system(folder: Path, mounts: Path) -> str:
    """Return the type of a folder's file system: that of the longest mount point above it."""
    best, kind = "", ""
    for row in mounts.read_text(encoding="utf-8").splitlines():
        _, point, found, *_ = row.split()
        if folder.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, found
    return kind


def check_pins(settings: StationSettings, boot: Path = BOOT) -> list[Finding]:
    """Check that the kernel releases a motor's pin when its program is killed; nothing without such pins."""
    if settings.station.devices is not Devices.REAL or not kept_lids(settings) or not boot.exists():
        return []
    strict = any(
        line.strip() == "dtparam=strict_gpiod" for line in boot.read_text(encoding="utf-8").splitlines()
    )
    return [Finding("pins", Level.OK if strict else Level.DOUBTFUL, "pins_let_go" if strict else "pins_kept")]


def check_buses(settings: StationSettings, devices: Path = Path("/dev")) -> list[Finding]:
    """Check that the kernel uses none of the station's pins for a bus."""
    found = []
    for bus, (pattern, pins) in BUSES.items():
        if any(devices.glob(pattern)):
            keys = [f"{key} = {pin}" for pin, key in used_pins(settings) if pin in pins]
            values = {"bus": bus, "keys": ", ".join(keys)}
            found += [Finding("pins", Level.FAILED, "pins_of_a_bus", values=values)] if keys else []
    return found


def check_clock(clock: Clock, zone: tzinfo | None = None) -> Finding:
    """Check that the calendar is trusted, and show it in `zone`; the system's zone if None."""
    wall = clock.wall()
    values = {"time": f"{datetime.fromtimestamp(wall.unix_s, zone).astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"}
    if not wall.trusted:
        return Finding("clock", Level.DOUBTFUL, "clock_untrusted", values=values)
    return Finding("clock", Level.OK, "clock_ok", values=values)


def check_model(settings: StationSettings, now: Callable[[], float] = time.perf_counter) -> Finding:
    """Check that the bundle passes its self-test and fits the city's rules; measure one picture."""
    folder = Path(settings.model.bundle) if settings.model.bundle else SHIPPED_BUNDLE
    try:
        model = load_classifier(folder, load_sorting(settings.model.sorting), settings.model.threads)
    except (BundleError, InputError) as problem:
        return _failed("model", "refused", reason=problem.what, mend=problem.mend)
    start = now()
    model.classify([*golden_pictures(1, model.manifest.input.size)])
    took_ms = (now() - start) * 1000
    slow = took_ms > SLOW_MODEL_MS
    return Finding(
        "model",
        Level.DOUBTFUL if slow else Level.OK,
        "model_slow" if slow else "model_ok",
        values={"title": model.manifest.title, "ms": f"{took_ms:.0f}", "sorting": settings.model.sorting},
    )


def _failed(part: str, says: str, *, reason: str, mend: str) -> Finding:
    return Finding(part, Level.FAILED, says, values={"reason": reason, "mend": mend})
