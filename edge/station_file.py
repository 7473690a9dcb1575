"""Reads station.toml with every kind of reader that this installation has."""

from __future__ import annotations

from pathlib import Path

from config.reading import load_station as reading
from config.reading.load_station import Unenrolled
from config.station import StationSettings
from edge.readers.registry import reader_tables


def place_before_enrolment(path: Path) -> Unenrolled:
    """Return where a station.toml that enrolment will complete keeps things; InputError names an error."""
    return reading.load_unenrolled(path, reader_tables())


def state_dir_of(path: Path) -> Path:
    """Return the folder of journal and keys that a station.toml names; InputError if it names none."""
    return reading.state_dir_of(path)


def load_station(path: Path) -> StationSettings:
    """Return a station's settings from a TOML file, with absolute paths; InputError names an error in it."""
    return reading.load_station(path, reader_tables())
