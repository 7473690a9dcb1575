"""A disk that fails, or a process that dies, at a chosen write, by counting SQLite's system calls.

SQLite allows to replace the system calls of its Unix layer (sqlite3_vfs.xSetSystemCall,
https://www.sqlite.org/c3ref/vfs.html). What a killed process has written stays, so a kill between two of
these calls covers a kill at any instruction.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from cloud_sync.wire.envelope import EpochReceipt
from cloud_sync.wire.facts import Role
from edge.journal.schema import JOURNAL_FILE, connect
from edge.roster import CardState, RosterEntry
from edge.sync.outbox import KEPT_S, Outbox
from tests.edge.builders import card
from tests.edge.journal.checks import ALARM, NOON, opened, visit

HAS_CALLS = hasattr(_sqlite3, "__file__")
"""Whether this Python's SQLite is a shared library, whose calls can be replaced."""
NO_CALLS = "this Python has SQLite built in: its system calls cannot be exchanged"

_SET = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
_GET = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)
_PLAIN = ("pNext", "zName", "pAppData", "xOpen", "xDelete", "xAccess", "xFullPathname", "xDlOpen", "xDlError")
_MORE = ("xDlSym", "xDlClose", "xRandomness", "xSleep", "xCurrentTime", "xGetLastError", "xCurrentTimeInt64")
_SIZE, _OFFSET, _POINTER, _INT = ctypes.c_size_t, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int
_CALLS: dict[bytes, tuple[type, ...]] = {
    b"write": (_INT, _POINTER, _SIZE),
    b"pwrite": (_INT, _POINTER, _SIZE, _OFFSET),
    b"pwrite64": (_INT, _POINTER, _SIZE, _OFFSET),
    b"ftruncate": (_INT, _OFFSET),
    b"unlink": (ctypes.c_char_p,),
}


class _Vfs(ctypes.Structure):
    _fields_ = (
        *((name, _INT) for name in ("iVersion", "szOsFile", "mxPathname")),
        *((name, _POINTER) for name in (*_PLAIN, *_MORE)),
        ("xSetSystemCall", _SET),
        ("xGetSystemCall", _GET),
    )


class Calls:
    """Intercepts every call of SQLite that changes a file; `allow` decides whether the disk takes it."""

    def __init__(self, allow: Callable[[], bool]) -> None:
        find = ctypes.CDLL(_sqlite3.__file__).sqlite3_vfs_find
        find.restype = ctypes.POINTER(_Vfs)
        self._vfs = find(None)
        found = {name: self._vfs.contents.xGetSystemCall(self._vfs, name) for name in _CALLS}
        # A build has only those of write, pwrite and pwrite64 that it uses.
        self._originals: dict[bytes, int] = {name: at for name, at in found.items() if at}
        self._kept = [self._exchange(name, allow) for name in self._originals]

    def _exchange(self, name: bytes, allow: Callable[[], bool]) -> object:
        kind = ctypes.CFUNCTYPE(ctypes.c_ssize_t, *_CALLS[name], use_errno=True)
        original = kind(self._originals[name])

        def call(*values: object) -> int:
            if not allow():
                ctypes.set_errno(errno.ENOSPC)
                return -1
            return int(original(*values))

        exchanged = kind(call)
        self._vfs.contents.xSetSystemCall(self._vfs, name, ctypes.cast(exchanged, _POINTER))
        return exchanged

    def undo(self) -> None:
        """Restore SQLite's own calls."""
        for name, original in self._originals.items():
            self._vfs.contents.xSetSystemCall(self._vfs, name, original)


def work(folder: Path, told: Callable[[], object]) -> None:
    """Write all that a station and its sync write, checkpoints too; call `told` after each visit."""
    journal = opened(folder, "a" * 16)
    connect(folder / JOURNAL_FILE).close()
    journal._database.execute("PRAGMA wal_autocheckpoint=6")  # type: ignore[union-attr]  # noqa: SLF001
    outbox = Outbox(folder)
    outbox.claim("lane", "gate")
    for number in range(6):
        journal.record_visit(visit(3, who=f"card {number}"), NOON)
        told()
        outbox.note_receipts([EpochReceipt("a" * 16, number, ((2, "malformed"),) if number > 2 else ())])
    journal.record_note(ALARM, NOON)
    outbox.replace_roster({card("li"): RosterEntry(CardState.ACTIVE, Role.STAFF)})
    outbox.grow_older(2 * KEPT_S)
    outbox.prune()
    outbox.note_receipts([EpochReceipt("a" * 16, 4)])
    outbox.close()
    journal.record_visit(visit(3, who="last"), NOON)
    told()
    journal.close()


def _die_at(folder: Path, call: int) -> None:
    """Run a station that is killed at its `call`th write; it reports each visit in FOLDER.told."""
    left = call
    said = os.open(f"{folder}.told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def allow() -> bool:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    calls = Calls(allow)
    work(folder, lambda: os.write(said, b"."))
    calls.undo()


def main() -> None:
    """Kill one child at each given write, in FOLDER/NUMBER; print how each ended."""
    root = Path(sys.argv[1])
    for call in map(int, sys.argv[2:]):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                _die_at(root / str(call), call)
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        print(call, os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 (what the test reads)
