"""Read a text file that a person wrote, and name the mend for each error of the system."""

from __future__ import annotations

import codecs
import errno
import os
import pwd
import sqlite3
import stat
import tempfile
from pathlib import Path

from config.errors import InputError

_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
"""Byte order marks of other encodings, longest first: UTF-32's begins like UTF-16's."""
_CHINESE = "GB18030"
"""Includes GBK and GB 2312, which a Chinese Windows calls ANSI."""

_MENDS = {
    errno.ENOENT: "make it, or name another",
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "free some space there",
    errno.EROFS: "mount its disk for writing; a card that became read-only by itself is worn out: replace it",
    errno.EIO: "its disk fails: replace it",
    errno.EEXIST: "a file stands where a folder should be: name another path",
    errno.EISDIR: "it is a folder: name a file",
    errno.ENOTDIR: "a file stands where a folder should be: name another path",
    errno.ENAMETOOLONG: "its name is too long: name another path",
    errno.ELOOP: "it is a link that leads back to itself: name another path",
    errno.EMFILE: "too many files are open: end other programs",
    errno.ENFILE: "too many files are open: end other programs",
    errno.EBUSY: "another program has it: end that one",
    errno.ENXIO: "move it away; a plain file belongs there, or none",
}
_SQLITE_MENDS = {
    sqlite3.SQLITE_BUSY: "stop other programs that use it, then try again",
    sqlite3.SQLITE_LOCKED: "stop other programs that use it, then try again",
    sqlite3.SQLITE_FULL: _MENDS[errno.ENOSPC],
    sqlite3.SQLITE_IOERR: _MENDS[errno.EIO],
    sqlite3.SQLITE_CORRUPT: "it is damaged: restore a backup",
    sqlite3.SQLITE_NOTADB: "it is not a SQLite file: name another path, or restore a backup",
}
NOT_YOURS = frozenset({errno.EACCES, errno.EPERM})
"""Errors of a user without permission."""


class SpecialFileError(OSError):
    """The path is not a plain file: reading it could wait forever."""

    def __init__(self, path: Path, kind: str) -> None:
        super().__init__(errno.ENXIO, f"it is a {kind}, not a file", str(path))


_KINDS = (
    (stat.S_ISFIFO, "named pipe"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISDIR, "folder"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)


def refuse_special(path: Path) -> None:
    """Raise SpecialFileError for a pipe, socket, device or folder; a file, or nothing at all, is fine.

    Call it before opening: a named pipe blocks `open` until somebody writes to it. OSError if the path
    cannot be examined.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    for is_kind, kind in _KINDS:
        if is_kind(mode):
            raise SpecialFileError(path, kind)


def read_text(path: Path) -> str:
    """Return a file's text without its byte order mark; InputError names what is wrong and the mend."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None
    return text_of(data, str(path))


def text_of(data: bytes, source: str) -> str:
    """Decode a file's content; InputError names the likely encoding if it is not UTF-8."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            raise _encoded(source, name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _encoded(source, _guess(data), f", line {line}") from None
    if "\0" in text:
        raise _encoded(source, "UTF-16")
    return text


def unreadable(path: Path, error: OSError) -> InputError:
    """Return the error for a file that cannot be read, with the mend for its cause."""
    return InputError(f"{path} cannot be read ({error.strerror or error})", mend_of(error, path))


def mend_of(error: OSError, path: Path) -> str:
    """Return the mend for what the system refused at `path`."""
    if error.errno in NOT_YOURS:
        owner = owner_of(path)
        return f"run this as its owner: sudo -u {owner} …" if owner else "mend its rights"
    return _MENDS.get(error.errno or 0, "mend what it names, or name another path")


def sqlite_mend(error: BaseException | None, path: Path) -> str:
    """Return the mend for what SQLite, or the system below it, refused at `path`."""
    if isinstance(error, OSError):
        return mend_of(error, path)
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}:
        return mend_of(OSError(_why_not(path), ""), path)
    return _SQLITE_MENDS.get(code, "mend what it names, or name another path")


def _why_not(path: Path) -> int:
    """Try to write and return the error number: SQLite does not say why it cannot open or write a file."""
    try:
        with path.open("ab") if path.exists() else tempfile.TemporaryFile(dir=path.parent):
            pass
        with tempfile.TemporaryFile(dir=path.parent):  # -wal and -journal are in the same folder
            pass
    except OSError as error:
        return error.errno or 0
    return 0


def owner_of(path: Path) -> str:
    """Return the owner of a path, or of the nearest folder above that can be seen; empty if that is us."""
    for place in (path, *path.parents):
        try:
            uid = place.stat().st_uid
        except OSError:
            continue
        if uid == os.geteuid():
            return ""
        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return f"#{uid}"
    return ""


def _encoded(source: str, name: str, where: str = "") -> InputError:
    mend = "save it as UTF-8"
    if name != "no text":
        mend += f", or run: iconv -f {name} -t UTF-8 {source} > {source}.utf8"
    seems = "is not UTF-8" if name == "no text" else f"is written in {name}"
    told = f"{source} cannot be read (it {seems}{where})"
    return InputError(told, mend)


def _guess(data: bytes) -> str:
    """Guess the encoding of text that is not UTF-8: the Chinese one if the text makes sense in it."""
    if b"\0" in data:
        return "UTF-16" if len(data) % 2 == 0 else "no text"
    try:
        text = data.decode(_CHINESE)
    except UnicodeDecodeError:
        return "no text"
    return "GBK" if any("\u4e00" <= letter <= "\u9fff" for letter in text) else "no text"
