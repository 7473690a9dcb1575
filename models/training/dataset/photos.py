"""Labelled photos: an index.csv or a folder of folders, and their split by group. Needs no torch."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import groupby
from pathlib import Path

from config.errors import InputError
from config.reading.files import read_text
from config.sorting import Category
from models.training.dataset.photo import Photo
from models.training.dataset.taxonomy import Taxonomy

INDEX = "index.csv"
SEED = 20250601
"""The seed of the shipped split; another seed gives another test set and other figures."""
SHARE = 0.15
"""Share of each class's groups for the test split; the same share goes to calibration."""
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"})


class Split(StrEnum):
    """What a photo may be used for."""

    TRAIN = "train"
    CALIBRATION = "calibration"
    TEST = "test"


def read_photos(where: Path) -> list[Photo]:
    """Return the photos of an index.csv (`path,category` and more) or of folders named by category.

    They are sorted by path. InputError names the wrong file or line.
    """
    if where.is_dir() and not (where / INDEX).is_file():
        photos = list(_from_folders(where))
    else:
        photos = list(_from_index(where / INDEX if where.is_dir() else where))
    if not photos:
        raise InputError(
            f"no photos in {where}", "name an index.csv, or a folder of folders named by category"
        )
    return sorted(photos, key=lambda photo: photo.path)


def split(photos: Sequence[Photo], taxonomy: Taxonomy, seed: int = SEED) -> dict[Split, list[Photo]]:
    """Split photos into train, calibration and test, by whole groups and in proportion for each class.

    Distrusted classes are only in train, unused ones nowhere; see `Taxonomy` for `once`.
    """
    dealt: dict[Split, list[Photo]] = {part: [] for part in Split}
    for part, group in _deal(photos, seed):
        usable = [photo for photo in group if not taxonomy.is_unused(photo)]
        if part is not Split.TRAIN:
            usable = _measurable(usable, taxonomy)
        dealt[part] += usable
    return dealt


def _measurable(group: list[Photo], taxonomy: Taxonomy) -> list[Photo]:
    trusted = [photo for photo in group if not taxonomy.is_distrusted(photo)]
    repeats = [photo for photo in trusted if photo.source in taxonomy.once]
    return [photo for photo in trusted if photo not in repeats[1:]]


def _deal(photos: Sequence[Photo], seed: int) -> Iterator[tuple[Split, list[Photo]]]:
    """Yield each group and its part. A group belongs to the class of its first photo by path."""
    for _, groups in groupby(sorted(_groups(photos), key=_class_of), key=_class_of):
        shuffled = sorted(groups, key=lambda group: _lot(group[0].group, seed))
        held = round(len(shuffled) * SHARE)
        for rank, group in enumerate(shuffled):
            yield (
                (Split.TEST if rank < held else Split.CALIBRATION if rank < 2 * held else Split.TRAIN),
                group,
            )


def _groups(photos: Iterable[Photo]) -> list[list[Photo]]:
    found: dict[str, list[Photo]] = {}
    for photo in sorted(photos, key=lambda photo: photo.path):
        found.setdefault(photo.group or str(photo.path), []).append(photo)
    return list(found.values())


def _class_of(group: list[Photo]) -> tuple[str, str, str]:
    return group[0].source, group[0].label, group[0].category


def _lot(group: str, seed: int) -> bytes:
    """Return the sort key of a group: a digest does not depend on any library's random generator."""
    return hashlib.sha256(f"{seed}:{group}".encode()).digest()


def _from_folders(where: Path) -> Iterator[Photo]:
    for category in Category:
        for path in (where / category.value).rglob("*"):
            if path.suffix.lower() in SUFFIXES:
                yield Photo(path, category)


def _from_index(index: Path) -> Iterator[Photo]:
    try:
        rows = csv.DictReader(io.StringIO(read_text(index), newline=""))
        for line, row in enumerate(rows, start=2):
            yield _from_row(row, index, line)
    except csv.Error as error:
        raise InputError(f"{index} cannot be read: {error}", "name an index.csv with path,category") from None


def _from_row(row: dict[str, str], index: Path, line: int) -> Photo:
    try:
        return Photo(
            path=index.parent / row["path"],
            category=Category(row["category"]),
            source=row.get("source") or "",
            label=row.get("label") or "",
            group=row.get("group") or "",
        )
    except (KeyError, TypeError, ValueError) as error:
        known = ", ".join(Category)
        raise InputError(
            f"{index} line {line}: {error}", f"give path and category (one of {known})"
        ) from None
