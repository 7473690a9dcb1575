"""All kinds of card readers: one file each in `edge/readers/kinds`, found by their being there."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from config.reading.reader_tables import ReaderTables
from config.wiring import ReaderSection
from edge.readers import kinds
from edge.readers.kind import AnyKind, ReaderKind

DEFAULT = "rdm6300"
"""The kind of a `[[reader]]` table that names none."""


def find_kinds() -> Mapping[str, AnyKind]:
    """Import every module of `edge.readers.kinds` and return its `KIND`, by name and in alphabetical order.

    TypeError for a module without a KIND, ValueError for two kinds of one name: mistakes of a programmer.
    """
    found: dict[str, AnyKind] = {}
    for module in sorted(iter_modules(kinds.__path__), key=lambda each: each.name):
        kind = getattr(import_module(f"{kinds.__name__}.{module.name}"), "KIND", None)
        if not isinstance(kind, ReaderKind):
            raise TypeError(f"{kinds.__name__}.{module.name} has no KIND of type ReaderKind")
        if kind.name in found:
            raise ValueError(f"two kinds of readers are called {kind.name}")
        found[kind.name] = kind
    return MappingProxyType(found)


def kind_of(section: ReaderSection) -> AnyKind:
    """Return the kind of a reader's section."""
    return find_kinds()[section.kind]


def reader_tables() -> ReaderTables:
    """Return the tables that `[[reader]]` may be in station.toml."""
    return ReaderTables(tuple(kind.section for kind in find_kinds().values()), DEFAULT)


def wiring_table() -> str:
    """Return the table of kinds for docs/wiring.md, in Markdown."""
    rows = ["| `kind` | reader | wired to | tells of a card | can it be copied |", "|---|---|---|---|---|"]
    rows += [
        f"| `{kind.name}` | {kind.title.en} | {kind.wired_to} | {kind.tells} | "
        f"{'yes' if kind.is_clonable else 'no'} |"
        for kind in find_kinds().values()
    ]
    return "\n".join(rows) + "\n"
