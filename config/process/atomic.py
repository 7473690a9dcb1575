"""Replace a file atomically: a reader, a crash or a power cut finds the old content or the new one."""

from __future__ import annotations

import os
from pathlib import Path

PRIVATE, SHARED = 0o600, 0o666
"""Modes of a new file; the umask applies to the second."""


def write_atomic(path: Path, data: bytes, *, private: bool = False, durable: bool = False) -> None:
    """Replace the file at `path` by `data`. After an OSError the old file is unchanged.

    `private`: only the owner can ever read it. `durable`: content and name are on the disk when this
    returns; without it a power cut may restore the old content, or leave none.

    Only one writer at a time may use a path: the draft beside it is always named `.NAME.new`.
    """
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)  # a killed writer may have left it, perhaps with another mode
    descriptor = os.open(
        draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE if private else SHARED
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:  # whatever ended the write, the draft must not stay
        draft.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
