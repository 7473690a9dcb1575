"""What enrolment wrote for a station, laid under its station.toml: names and the `[cloud]` table.

The file stands in the station's state folder, so that enrolment changes no file that a person wrote. What
station.toml says itself counts: its `[cloud]` replaces that of enrolment whole.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.errors import InputError
from config.reading.files import read_text

ENROLLED = "enrolled.toml"
IDENTITY = ("community", "name")
"""Keys of `[station]` that the ledger decides; station.toml may repeat them, and nothing else."""


def format_enrolled(code: str, station: Mapping[str, str], cloud: Mapping[str, str | int]) -> str:
    """Return the file's text; values that are empty are left out. `code` is the SHA-256 of the code."""
    lines = ["# Written by `tongzhan station enrol`. What station.toml says itself counts instead."]
    for title, table in (("enrolment", {"code": code}), ("station", station), ("cloud", cloud)):
        lines += ["", f"[{title}]"]
        # A string of JSON is one of TOML; json escapes no DEL, which no name has.
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items() if value]
    return "\n".join(lines) + "\n"


def read_enrolled(state_dir: Path) -> dict[str, Any]:
    """Return what enrolment wrote; nothing before it. InputError for a file that is damaged."""
    file = state_dir / ENROLLED
    if not file.exists():
        return {}
    try:
        return tomllib.loads(read_text(file))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file} is damaged ({error})", "enrol the station again") from None


def enrolled_names(station: Mapping[str, Any], path: Path) -> dict[str, str]:
    """Return the names under which the station of a station.toml enrolled; nothing if none are known."""
    try:
        found: dict[str, str] = read_enrolled(_state_dir(station, path)).get("station", {})
    except InputError:
        return {}
    return found


def _state_dir(station: Mapping[str, Any], path: Path) -> Path:
    return path.resolve().parent / str(station.get("state_dir", ""))


def with_enrolled(data: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the data of the station.toml at `path` with what enrolment wrote underneath.

    InputError if the two name different stations.
    """
    station = data.get("station")
    if not isinstance(station, dict) or not isinstance(station.get("state_dir"), str):
        return data
    enrolled = read_enrolled(_state_dir(station, path))
    written = enrolled.get("station", {})
    if not written and not any(key in station for key in IDENTITY):
        raise InputError(f"{path} names no station, and the station has not enrolled", ENROL)
    for key in IDENTITY:
        if key in written and station.get(key, written[key]) != written[key]:
            raise InputError(
                f"{path}: station.{key} is {station[key]!r}, and the station enrolled as {written[key]!r}",
                "remove the line, or enrol the station by a code for that name",
            )
    return {"cloud": enrolled["cloud"]} | data | {"station": written | station} if enrolled else data


ENROL = "run: sudo tongzhan station enrol CODE --config F, with a code that the ledger's office shows"
