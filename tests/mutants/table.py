"""The table of mutants: wrong changes to our own code, and the tests that must notice each.

`table.toml` says how a row looks. Pure, but for reading the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

TABLE = Path(__file__).with_name("table.toml")


class TableError(Exception):
    """A table, or a choice from it, that cannot be used; the text says which row and why."""


class Mutant(Struct, frozen=True, forbid_unknown_fields=True):
    """One wrong change. `old` must stand in `file` exactly once; `tests` is what pytest is given."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    why: str = ""
    """What would go wrong with it, for whoever reads that it survived."""


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    mutant: tuple[Mutant, ...]


def read_table(text: str) -> tuple[Mutant, ...]:
    """Parse a table; TableError for one that is no table, or names two mutants alike."""
    try:
        mutants = msgspec.toml.decode(text.encode(), type=_Table).mutant
    except msgspec.DecodeError as error:
        raise TableError(f"the table of mutants is none: {error}") from None
    names = [mutant.name for mutant in mutants]
    for name in names:
        if names.count(name) > 1:
            raise TableError(f"two mutants are called {name}: rename one")
    for mutant in mutants:
        if not mutant.tests:
            raise TableError(f"mutant {mutant.name} names no tests")
        if mutant.old == mutant.new:
            raise TableError(f"mutant {mutant.name} changes nothing")
    return mutants


def choose(mutants: Sequence[Mutant], names: Sequence[str]) -> tuple[Mutant, ...]:
    """Select mutants whose name has one of these words in it, all without a word; TableError for none."""
    for name in names:
        if not any(name in mutant.name for mutant in mutants):
            raise TableError(f"no mutant has {name!r} in its name; --list prints all names")
    return tuple(mutant for mutant in mutants if not names or any(name in mutant.name for name in names))


def mutate(text: str, mutant: Mutant) -> str:
    """Apply a mutant to its file's text; TableError unless its old text stands there exactly once."""
    count = text.count(mutant.old)
    if count != 1:
        found = "is not found" if count == 0 else f"stands {count} times"
        raise TableError(f"the old text of {mutant.name} {found} in {mutant.file}: mend the table")
    return text.replace(mutant.old, mutant.new)


def tests_of(mutants: Sequence[Mutant]) -> Mapping[str, None]:
    """Every test that a selection names, once, in order."""
    return dict.fromkeys(test for mutant in mutants for test in mutant.tests)
