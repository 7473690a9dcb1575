"""Replaces a file as a whole: a reader, a crash or a power cut finds the old content or the new one."""

from __future__ import annotations

import os
from pathlib import Path

PRIVATE, SHARED = 0o600, 0o666
"""Modes of a new file; the umask takes from the second."""


def write_atomic(path: Path, data: bytes, *, private: bool = False, durable: bool = False) -> None:
    """Put `data` in the place of whatever is at `path`. OSError leaves that as it was.

    `private`: only the owner can read it, from its first moment. `durable`: content and name are on the disk
    when this returns; without it a power cut may bring the old content back, or none.

    One writer a path at a time: the draft `.NAME.new` beside it has one name.
    """
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)  # left by a writer that was killed, perhaps with another mode
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
    except BaseException:  # whatever ended the write, its draft must not stay
        draft.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the disk hold the names in a folder."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
