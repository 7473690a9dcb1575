"""Permissions of files that hold secrets or names: who else may read or change them."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from stat import S_IMODE
from typing import NoReturn

from config.errors import InputError
from config.reading.files import read_text, unreadable

log = logging.getLogger(__name__)

GROUP_OR_OTHERS = 0o077
OTHERS = 0o007
ANYBODY_ELSE_WRITES = 0o022
ANYBODY_WRITES = 0o002
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700


def is_shared(file: Path, bits: int = GROUP_OR_OTHERS) -> bool:
    """Return whether others have any of these rights on a file; OSError if it cannot be examined."""
    return bool(S_IMODE(file.stat().st_mode) & bits)


def refuse_shared(file: Path, bits: int = GROUP_OR_OTHERS) -> None:
    """Raise InputError if others have any of these rights on a file; OSError if it cannot be examined."""
    if is_shared(file, bits):
        _refuse(file, bits)


def warn_of_writers(file: Path) -> None:
    """Warn, with the mend, if anybody can change a file; refusing a station's file would keep lids shut."""
    if is_shared(file, ANYBODY_WRITES):
        log.warning("%s can be changed by anybody; run: sudo chmod o-w %s", file, file)


def refuse_writers(file: Path) -> None:
    """Raise InputError if anybody can change a file that decides on points."""
    refuse_shared(file, ANYBODY_WRITES)


def read_secret(file: Path) -> str:
    """Read a password or key; InputError if others can read it, or anyone but its owner can change it."""
    try:
        refuse_shared(file, OTHERS | ANYBODY_ELSE_WRITES)
    except OSError as error:
        raise unreadable(file, error) from None
    return read_text(file).strip()


def make_private(file: Path) -> None:
    """Create an empty file that only its owner can read, unless it exists. Raises OSError."""
    if not file.exists():
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE))
        hand_over(file)


def keep_private(database: Path) -> None:
    """Remove others' rights on a SQLite database, or warn with the mend if we may not."""
    for file in (database, Path(f"{database}-wal"), Path(f"{database}-shm")):
        try:
            mode = S_IMODE(file.stat().st_mode)
            if mode & OTHERS:
                file.chmod(mode & ~OTHERS)
                log.warning("%s could be read by anybody; its permissions are mended", file)
        except FileNotFoundError:
            continue
        except OSError:
            log.warning("%s can be read by anybody; run: sudo chmod o= %s", file, file)


def _refuse(file: Path, bits: int) -> NoReturn:
    mode = S_IMODE(file.stat().st_mode) & bits
    if mode & 0o044:
        raise InputError(f"{file} can be read by others", f"run: chmod {_mend(file, bits)} {file}")
    raise InputError(f"{file} can be changed by others", f"run: chmod {_mend(file, bits)} {file}")


def _mend(file: Path, bits: int) -> str:
    return f"{S_IMODE(file.stat().st_mode) & ~bits & 0o666:o}"


def hand_over(path: Path) -> None:
    """Give a file that root created to the owner of its folder; do nothing for other users.

    So a command run with sudo leaves no file that the service's user cannot read.
    """
    if os.geteuid() != 0:
        return
    owner, held = path.parent.stat(), path.stat()
    if (held.st_uid, held.st_gid) != (owner.st_uid, owner.st_gid):
        os.chown(path, owner.st_uid, owner.st_gid)


def make_private_folder(folder: Path) -> None:
    """Create a folder that only its owner can enter, unless it exists. Raises OSError.

    Missing parent folders get the usual permissions.
    """
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        hand_over(folder)
