"""Load a city's sorting rules: a shipped city by name, or any file by path."""

from __future__ import annotations

from pathlib import Path

from config.errors import InputError
from config.reading.load import load_toml
from config.sorting import Sorting

DEFAULT_SORTING = "beijing"

_HERE = Path(__file__).parents[1]


def load_sorting(name_or_path: str | Path = DEFAULT_SORTING) -> Sorting:
    """Return the rules of `beijing`, `shanghai` or a TOML file; InputError names the wrong key."""
    if isinstance(name_or_path, str) and (shipped := _HERE / f"sorting.{name_or_path}.toml").is_file():
        return load_toml(shipped, Sorting)
    if not Path(name_or_path).is_file():
        known = ", ".join(shipped_sortings())
        raise InputError(f"no sorting rules {name_or_path}", f"name one of {known}, or a TOML file")
    return load_toml(Path(name_or_path), Sorting)


def shipped_sortings() -> list[str]:
    """Return the cities whose rules are shipped with Tongzhan."""
    return sorted(
        path.name.removeprefix("sorting.").removesuffix(".toml") for path in _HERE.glob("sorting.*.toml")
    )
