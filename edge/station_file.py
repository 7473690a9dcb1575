"""Reads station.toml with every kind of reader that this installation has."""

from __future__ import annotations

from pathlib import Path

from config.reading import load_station as reading
from config.station import StationSettings
from edge.readers.registry import reader_tables


def load_station(path: Path) -> StationSettings:
    """Return the station that a TOML file describes, with absolute paths. InputError names what is wrong."""
    return reading.load_station(path, reader_tables())
