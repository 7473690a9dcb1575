"""Simulates power cuts: everything that was not synced to the disk is lost.

`record` runs a program under `powercut.c`, which records each change to a folder. `Disk` replays the record
and gives the folder after a power cut at any moment: for a file its bytes at the last fsync, for a folder its
names at the last fsync. POSIX promises no more than that; a file system that does better only hides a missing
fsync.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.waiting import COMMAND_WITHIN_S

SHIM = Path(__file__).with_suffix(".c")
CHECKOUT = Path(__file__).resolve().parents[3]
SECTOR = 512
HALF = 0.5
DRAWS = 3
PASSING = ("-shm",)
"""Suffixes of files that SQLite rebuilds from the log."""


@cache
def shim() -> Path:
    """Build the library that records changes; skip the test if there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("no C compiler; install it: sudo apt-get install gcc libc6-dev")
    made = Path(mkdtemp(prefix="tongzhan-powercut-")) / "powercut.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(SHIM), "-ldl"]
    subprocess.run(command, check=True, timeout=COMMAND_WITHIN_S)
    return made


def forget_shim() -> None:
    """Remove what `shim` built."""
    if shim.cache_info().currsize:
        shutil.rmtree(shim().parent, ignore_errors=True)
        shim.cache_clear()


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the record. `N` is not a change: the program reported something to the outside."""

    what: str
    inode: int
    first: str = ""
    second: str = ""
    data: bytes = b""


def record(program: str, root: Path, log: Path) -> Record:
    """Run a Python program in `root` and return everything that it did there.

    The program can use `root`, and `tell(text)` to note what it reported to the outside.
    """
    log.touch()
    before = Disk(root)
    preload = {"LD_PRELOAD": str(shim()), "POWERCUT_ROOT": str(root.resolve()), "POWERCUT_LOG": str(log)}
    begin = "import os, sys; from pathlib import Path; root = Path(sys.argv[1])\n"
    begin += "said = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND)\n"
    begin += "def tell(text=''): os.write(said, f'N 0 {text}\\t\\n'.encode())\n"
    command = [sys.executable, "-c", begin + program, str(root.resolve()), str(log)]
    done = subprocess.run(
        command, env=os.environ | preload, cwd=CHECKOUT, timeout=COMMAND_WITHIN_S, check=False
    )
    assert done.returncode == 0
    changes = list(_parse(log.read_bytes()))
    assert any(change.what == "S" for change in changes), "nothing was forced: the shim saw nothing"
    return Record(before, changes)


def _parse(raw: bytes) -> Iterator[Change]:
    at = 0
    while at < len(raw):
        end = raw.index(b"\n", at)
        line, at = raw[at:end].decode(), end + 1
        what, inode, rest = line.split(" ", 2)
        if what in "WTS":
            figure, length = rest.split(" ")
            yield Change(what, int(inode), figure, data=raw[at : at + int(length)])
            at += int(length)
        else:
            first, second = rest.split("\t")
            yield Change(what, int(inode), first, second)


_Names = tuple[tuple[int, str, int | None], ...]
"""Names that change together: a folder's inode, a name in it, and the inode it names; None: removed."""


@dataclass
class _File:
    held: bytes = b""
    pending: list[Change] = field(default_factory=list)


def _applied(held: bytes, changes: list[Change], keeps: random.Random | None = None) -> bytes:
    """Return the bytes after these changes; with `keeps`, after only some sectors of them."""
    content = bytearray(held)
    for change in changes:
        at = int(change.first)
        if change.what == "T":
            content = content[:at] + bytes(max(0, at - len(content)))
            continue
        for begin in range(0, len(change.data), SECTOR):
            piece = change.data[begin : begin + SECTOR]
            if keeps is not None and keeps.random() < 0.5:
                continue
            content += bytes(max(0, at + begin - len(content)))
            content[at + begin : at + begin + len(piece)] = piece
    return bytes(content)


class Disk:
    """The content of a folder on its disk, change by change."""

    def __init__(self, root: Path) -> None:
        """Begin with the files in `root` now, all of them synced."""
        self._root = str(root.resolve())
        self._now: dict[str, int] = {}
        """The inode of each name while there is power."""
        self._held: dict[int, dict[str, int]] = {}
        """By a folder's inode: the inodes of its names after a power cut."""
        self._pending: list[_Names] = []
        self._files: dict[int, _File] = {}
        for path in [Path(self._root), *Path(self._root).rglob("*")]:
            inode = self._now[str(path)] = path.stat().st_ino
            if path.is_dir():
                self._held[inode] = {}
            else:
                self._files[inode] = _File(path.read_bytes())
            if str(path) != self._root:
                self._held[self._now[str(path.parent)]][path.name] = inode

    def apply(self, change: Change) -> None:
        """Apply one change."""
        match change.what:
            case "W" | "T":
                self._files.setdefault(change.inode, _File()).pending.append(change)
            case "S" if change.inode in self._held:
                self._force_names(change.inode)
            case "S":
                file = self._files.setdefault(change.inode, _File())
                file.held, file.pending = _applied(file.held, file.pending), []
            case "C":
                self._files[change.inode] = _File()  # inodes are used again
                self._name((change.first, change.inode))
            case "M":
                self._held[change.inode] = {}
                self._name((change.first, change.inode))
            case "L":
                self._name((change.second, change.inode))
            case "U":
                self._name((change.first, None))
            case "R":
                self._follow(change)
                self._name((change.first, None), (change.second, change.inode))

    def _follow(self, change: Change) -> None:
        """Rename the files in a renamed folder; this syncs none of them."""
        for name in [name for name in self._now if name.startswith(change.first + "/")]:
            self._now[change.second + name.removeprefix(change.first)] = self._now.pop(name)

    def _name(self, *names: tuple[str, int | None]) -> None:
        """Note names that change together."""
        places = []
        for path, inode in names:
            folder, _, name = path.rpartition("/")
            places.append((self._now[folder], name, inode))
            if inode is None:
                self._now.pop(path, None)
            else:
                self._now[path] = inode
        self._pending.append(tuple(places))

    def _force_names(self, folder: int) -> None:
        for names in self._pending:
            if any(place[0] == folder for place in names):
                _take(self._held, names)
        self._pending = [names for names in self._pending if not any(place[0] == folder for place in names)]

    def leave(self, folder: Path, keeps: random.Random | None = None, *, newest: bool = False) -> None:
        """Make `folder` as the disk would be if the power failed now.

        With `keeps`, the disk has by chance written some of the unsynced changes, in any order: some sectors
        of files and some names; with `newest` only the last of the names.
        """
        held = {inode: dict(names) for inode, names in self._held.items()}
        for names in self._pending if keeps else ():
            if names is self._pending[-1] if newest else keeps is not None and keeps.random() < HALF:
                _take(held, names)
        self._leave(held, self._now[self._root], folder, keeps)

    def _leave(
        self, held: dict[int, dict[str, int]], inode: int, folder: Path, keeps: random.Random | None
    ) -> None:
        folder.mkdir()
        for name, inside in held[inode].items():
            if inside in held:
                self._leave(held, inside, folder / name, keeps)
            elif not name.endswith(PASSING):
                file = self._files.get(inside, _File())
                content = _applied(file.held, file.pending, keeps) if keeps else file.held
                (folder / name).write_bytes(content)


def _take(held: dict[int, dict[str, int]], names: _Names) -> None:
    for folder, name, inode in names:
        if inode is None:
            held[folder].pop(name, None)
        else:
            held[folder][name] = inode


@dataclass(frozen=True, slots=True)
class Record:
    """A folder before a program ran, and each change that the program made."""

    before: Disk
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class Cut:
    """A power cut: what the program had reported by then, and its folder on the disk."""

    at: int
    told: tuple[str, ...]
    folder: Path


def cuts(record_: Record, scratch: Path, seed: int | None = None, every: int = 1) -> Iterator[Cut]:
    """Yield a power cut after each sync or report; each folder is deleted afterwards.

    With a seed: after each `every`th change, and several times after each change of names, with a part of the
    unsynced changes on the disk.
    """
    keeps, disk = None if seed is None else random.Random(seed), deepcopy(record_.before)
    told: tuple[str, ...] = ()
    for at, change in enumerate(record_.changes):
        if change.what == "N":
            told = (*told, change.first)
        disk.apply(change)
        if keeps is None:
            draws = int(change.what in "SN")
        else:
            draws = DRAWS if change.what in "CMLUR" else int(at % every == 0)
        for draw in range(draws):
            folder = scratch / str(at)
            disk.leave(folder, keeps, newest=draw == 1)
            yield Cut(at, told, folder)
            shutil.rmtree(folder)


def without(record_: Record, what: str) -> Record:
    """Return the record without one kind of change; tests of the model itself use it."""
    return Record(record_.before, [change for change in record_.changes if change.what != what])
