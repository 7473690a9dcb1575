"""Where a station keeps what came down: one file a kind, replaced as a whole, private to the station.

A file begins with a line of JSON that names its version and the digest of what follows. After SIGKILL or a
power cut at any step the old file is there or the new one. One that was damaged later is found by its digest;
it is then as if nothing was held, so the whole is fetched.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import msgspec

from cloud_sync.wire.publication import MAX_BYTES, MAX_STATEMENT_BYTES, PublishedKind
from config.process.atomic import write_atomic
from config.reading.files import refuse_special
from config.reading.private import make_private_folder
from edge.downlink.applying import Held

log = logging.getLogger(__name__)

FOLDER = "down"
CONFIRMED = "confirmed.json"


class _Head(msgspec.Struct, frozen=True):
    community: str
    version: int
    digest: str


class Confirmed(msgspec.Struct, frozen=True):
    """When the ledger last proved that a version is the present one."""

    boot: str
    monotonic_s: float
    wall_s: float | None
    """Unix time; None if the calendar could not be trusted."""


class Glance:
    """Tells whether a file was replaced since the last look, without reading it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, ...] = ()

    def is_new(self) -> bool:
        """Return whether it is another file than at the last look; False if there is none. OSError."""
        try:
            told = self._path.stat()
        except FileNotFoundError:
            return False
        before, self._seen = self._seen, (told.st_ino, told.st_mtime_ns, told.st_size)
        return self._seen != before


class DownFolder:
    """The files of one station; any process of it may read, `station sync` writes."""

    def __init__(self, state_dir: Path, community: str) -> None:
        self._folder, self._community = state_dir / FOLDER, community

    def file(self, kind: PublishedKind) -> Path:
        """Return where a kind is."""
        return self._folder / str(kind)

    def read(self, kind: PublishedKind) -> Held:
        """Return what is held; nothing if the file is missing, damaged or another community's. OSError."""
        path = self.file(kind)
        try:
            refuse_special(path)
            with path.open("rb") as file:
                line, _, content = file.read(MAX_BYTES + 1).partition(b"\n")
            head = msgspec.json.decode(line[:MAX_STATEMENT_BYTES], type=_Head)
        except FileNotFoundError:
            return Held()
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._damaged(path)
        if hashlib.sha256(content).hexdigest() != head.digest:
            return self._damaged(path)
        return Held(head.version, content) if head.community == self._community else Held()

    def write(self, kind: PublishedKind, held: Held) -> None:
        """Replace a kind; it is on the disk when this returns. OSError leaves the old one."""
        make_private_folder(self._folder)
        head = _Head(self._community, held.version, hashlib.sha256(held.content).hexdigest())
        write_atomic(
            self.file(kind), msgspec.json.encode(head) + b"\n" + held.content, private=True, durable=True
        )

    def confirmed(self) -> Confirmed | None:
        """Return when the roster was last proved to be the present one; None if never, or unreadable."""
        try:
            return msgspec.json.decode((self._folder / CONFIRMED).read_bytes(), type=Confirmed)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def confirm(self, confirmed: Confirmed) -> None:
        """Note such a proof. After a power cut an older one may be there: the age is then overstated."""
        make_private_folder(self._folder)
        write_atomic(self._folder / CONFIRMED, msgspec.json.encode(confirmed), private=True)

    def _damaged(self, path: Path) -> Held:
        log.error("%s is damaged; the whole is fetched again", path)
        return Held()
