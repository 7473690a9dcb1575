"""The file that carries a community: lines of JSON, signed as a whole by the ledger that wrote it.

The first line is a `FileHead`. A line with a table's label begins its rows, one array a line. Then come the
`Totals`, and last the signature, 128 hex digits by the header's key over MARK and the SHA-256 of every line
before. A key is written as the chains name it (`models.ChainHead.key_shift`), bytes as base64, times in
ISO 8601. The file has no secret, but all that the ledger knows of a community's households.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud_sync.wire.envelope import is_signed
from config.errors import InputError
from config.process.atomic import PRIVATE, sync_folder
from config.reading.files import mend_of, unreadable
from config.reading.private import hand_over

VERSION = 1
MARK = b"tongzhan community 1\n"
SIGNATURE = re.compile(rb"[0-9a-f]{128}\n")
MAX_LINE = 16 * 1024 * 1024
"""Bytes of one line; the longest row is a batch of 512 KiB, as base64."""
AGAIN = "write it again: tongzhan ledger community export SLUG FILE --config F"

_ENCODER = msgspec.json.Encoder()


class FileHead(msgspec.Struct, frozen=True, kw_only=True, tag="community", tag_field="tongzhan"):
    """What is in the file, from whom, and for whom."""

    version: int = VERSION
    slug: str
    number: str
    """Of the move."""
    key: str
    """The public key of the ledger that wrote it, hex."""
    to_key: str
    """The public key of the ledger that may take it."""
    card_key: str
    """What the community's card key makes of its slug (`moving.proofs`), hex: it shows a wrong key."""
    written_at: str
    position: int
    """The end of the chain of transfers, and its link; then the register's."""
    chain: str
    records: int
    records_chain: str
    tables: dict[str, list[str]]
    """The columns of each table."""


class Totals(msgspec.Struct, frozen=True, tag="totals", tag_field="tongzhan"):
    """How many rows there are, and the largest key among them."""

    rows: int
    largest: int


class Writer:
    """Writes such a file; it gets its name once it is whole and on the disk."""

    def __init__(self, path: Path, key: Ed25519PrivateKey) -> None:
        """InputError if there is a file, or it cannot be made."""
        if path.exists():
            raise InputError(f"{path} exists already", "name a new file")
        self._path, self._key = path, key
        self._draft = path.with_name(f".{path.name}.new")
        self._hash = hashlib.sha256()
        try:
            self._draft.unlink(missing_ok=True)  # a killed export may have left it
            handle = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
        except OSError as error:
            raise self._refused(error) from None
        self._file = os.fdopen(handle, "wb")

    def write(self, value: object) -> None:
        """Add a line."""
        line = _ENCODER.encode(value) + b"\n"
        self._hash.update(line)
        try:
            self._file.write(line)
        except OSError as error:
            raise self._refused(error) from None

    def finish(self) -> None:
        """Sign the file, and give it its name."""
        try:
            self._file.write(self._key.sign(MARK + self._hash.digest()).hex().encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._draft.rename(self._path)
            sync_folder(self._path.parent)
            hand_over(self._path)
        except OSError as error:
            raise self._refused(error) from None

    def abandon(self) -> None:
        """Remove what was written of a file that is not whole."""
        self._file.close()
        self._draft.unlink(missing_ok=True)

    def _refused(self, error: OSError) -> InputError:
        told = f"{self._path} cannot be written ({error.strerror or error})"
        return InputError(told, mend_of(error, self._path))


def read_file(path: Path, trusted: str) -> tuple[FileHead, Iterator[bytes]]:
    """Return the header, and the lines after it up to the totals; reading them to the end checks all of it.

    `trusted` is the public key, hex, that must have signed the file. InputError for a file that is damaged,
    cut off, or signed by another.
    """
    lines = _lines(path)
    first = next(lines, b"")
    try:
        header = msgspec.json.decode(first, type=FileHead)
    except (msgspec.MsgspecError, ValueError):
        raise InputError(f"{path} is no community's file", "name a file of `community export`") from None
    if header.version != VERSION:
        raise InputError(
            f"{path} has form {header.version}, this Tongzhan reads {VERSION}", "upgrade both ledgers"
        )
    if header.key != trusted:
        raise InputError(
            f"{path} is from the ledger with the key {header.key}, not {trusted}",
            "give the key that `tongzhan ledger init --config F` prints at the ledger that it comes from",
        )
    return header, _checked(path, first, lines, bytes.fromhex(trusted))


def _checked(path: Path, first: bytes, lines: Iterator[bytes], public: bytes) -> Iterator[bytes]:
    """Yield each line but the last, which must be the signature over all others."""
    digest = hashlib.sha256(first)
    before = b""
    for line in lines:
        if before:
            digest.update(before)
            yield before
        before = line
    signature = bytes.fromhex(before.decode()) if SIGNATURE.fullmatch(before) else b""
    if not is_signed(MARK + digest.digest(), signature, public):
        raise InputError(f"{path} is damaged or cut off: its signature does not fit", AGAIN)


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while line := file.readline(MAX_LINE):
                yield line
    except OSError as error:
        raise unreadable(path, error) from None
