"""Finds photos and their categories in a folder. Files are listed here and decoded when thrown.

There are three kinds of folder: with an index.csv (columns path and category, others allowed); Debian's
stamps of Tux Paint; with a folder for each category.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path

from config.errors import InputError
from config.reading.files import read_text, unreadable
from config.sorting import Category
from edge.sim.photos.stamps import STAMPS
from edge.sim.photos.thrown import PhotoSource

INDEX = "index.csv"
MAX_INDEX_BYTES = 32 << 20
MAX_FILES = 200_000
"""A folder with more files than this is refused as a mistake."""
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"})
STAMP_FOLDERS = ("food", "household")
"""A folder that has these is Tux Paint's stamps."""
NAMES = ", ".join(Category)

Paths = dict[Category, list[Path]]


def open_photos(folder: Path) -> PhotoSource:
    """Find the photos in a folder; InputError says what is wrong with it and how to fix that."""
    try:
        if not folder.is_dir():
            raise InputError(f"no folder {folder}", "name a folder of photos")
        is_stamps = all((folder / name).is_dir() for name in STAMP_FOLDERS)
        if (folder / INDEX).exists():
            paths = _indexed(folder)
        else:
            paths = _stamps(folder) if is_stamps else _by_folder(folder)
    except OSError as error:
        raise unreadable(Path(error.filename or folder), error) from None
    if not any(paths.values()):
        mend = f"put photos into folders named {NAMES} there, or name them in an {INDEX} with path,category"
        raise InputError(f"{folder} holds no photo of waste", mend)
    return PhotoSource(paths, on_tray=is_stamps and not (folder / INDEX).exists())


def _stamps(folder: Path) -> Paths:
    """Return the listed stamps that this version of the package has."""
    return {
        category: [path for name in names if (path := folder / name).is_file()]
        for category, names in STAMPS.items()
    }


def _by_folder(folder: Path) -> Paths:
    paths: Paths = {}
    left = MAX_FILES
    for sub in sorted(entry for entry in folder.iterdir() if entry.is_dir() and entry.name[0] != "."):
        found = _pictures(sub, left)
        left -= len(found)
        if not found:
            continue
        if (category := _category(sub.name)) is None:
            raise InputError(f"{sub} is named after no category", f"rename it to one of {NAMES}")
        paths[category] = found
    return paths


def _category(name: str) -> Category | None:
    return next((category for category in Category if category == name), None)


def _pictures(folder: Path, most: int) -> list[Path]:
    """List every picture below a folder, by file name suffix, in the order of their names."""
    found: list[Path] = []
    for top, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] != ".")
        found += [Path(top, name) for name in sorted(files) if Path(name).suffix.lower() in SUFFIXES]
        if len(found) > most:
            raise InputError(f"{folder.parent} holds more than {MAX_FILES} photos", "name a smaller folder")
    return found


def _indexed(folder: Path) -> Paths:
    index = folder / INDEX
    if index.stat().st_size > MAX_INDEX_BYTES:
        raise InputError(f"{index} is larger than {MAX_INDEX_BYTES >> 20} MiB", "name a smaller index")
    paths: Paths = {}
    try:
        for where, name, category in _rows(index):
            if (known := _category(category)) is None:
                raise InputError(f"{where}: no category {category!r}", f"use one of {NAMES}")
            if not name or not (path := folder / name).is_file():
                raise InputError(f"{where}: no file {name!r}", "mend the path or remove the line")
            paths.setdefault(known, []).append(path)
    except csv.Error as error:
        raise InputError(f"{index} is no CSV file in UTF-8 ({error})", "save it as one") from None
    return paths


def _text(index: Path) -> str:
    try:
        return read_text(index)
    except InputError as problem:
        raise InputError(f"{index} is no CSV file in UTF-8 ({problem.what})", problem.mend) from None


def _rows(index: Path) -> Iterator[tuple[str, str, str]]:
    """Yield each line of an index: its place for messages, its path, its category."""
    reader = csv.DictReader(io.StringIO(_text(index), newline=""))
    if missing := sorted({"path", "category"} - set(reader.fieldnames or ())):
        raise InputError(f"{index}: no column {' and '.join(missing)}", "add it to the first line")
    for row in reader:
        yield f"{index}, line {reader.line_num}", row["path"] or "", row["category"] or ""
