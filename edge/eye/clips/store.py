"""The clips on the disk: one folder for each, complete or not there. Only masked pictures come here."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from config.process.atomic import sync_folder
from config.reading.private import make_private_folder
from edge.eye.clips.choose import KeptClip
from edge.eye.clips.record import CLIP_FILE, CROP_FILE, RECORD_FILE, STILL_FILE, ClipRecord, MadeClip
from edge.eye.clips.retention import StoredClip

log = logging.getLogger(__name__)

FOLDER = "clips"
"""In the station's state folder."""
_DRAFT = ".new-"
_PROBE = ".probe"
MOST_RECORD_BYTES = 65_536


class ClipStore:
    """Reads and writes clips. For one thread at a time; every method may raise OSError."""

    def __init__(self, state_dir: Path) -> None:
        """Use the folder of clips in `state_dir`; `begin` reads it."""
        self.folder = state_dir / FOLDER
        self._clips: dict[str, StoredClip] = {}

    def begin(self) -> None:
        """Make the folder if needed, drop what a killed eye left unfinished, and read what is there."""
        make_private_folder(self.folder)
        self._clips.clear()
        for place in sorted(self.folder.iterdir()):
            if place.name.startswith((_DRAFT, _PROBE)):
                _remove(place)
            elif (clip := _stored(place)) is not None:
                self._clips[clip.id] = clip

    def clips(self) -> tuple[StoredClip, ...]:
        """Return every clip."""
        return tuple(self._clips.values())

    def of_day(self, day: str) -> tuple[KeptClip, ...]:
        """Return the clips that belong to a day's budget."""
        return tuple(
            KeptClip(clip.id, clip.reason, clip.worth) for clip in self._clips.values() if clip.day == day
        )

    def put(self, record: ClipRecord, made: MadeClip) -> ClipRecord:
        """Store a clip as a whole, durably; return its record with the digests."""
        files = {STILL_FILE: made.still, CROP_FILE: made.crop}
        if made.clip is not None:
            files[CLIP_FILE] = made.clip
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        record = msgspec.structs.replace(record, digests=digests)
        files[RECORD_FILE] = msgspec.json.format(msgspec.json.encode(record))
        draft = self.folder / f"{_DRAFT}{record.id}"
        _remove(draft)
        draft.mkdir(mode=0o700)
        try:
            for name, content in files.items():
                _write(draft / name, content)
            sync_folder(draft)
            _remove(self.folder / record.id)
            draft.rename(self.folder / record.id)
        except BaseException:  # whatever ended it, a part of a clip must not stay
            _remove(draft)
            raise
        sync_folder(self.folder)
        clip = _of(record, sum(len(content) for content in files.values()))
        self._clips[clip.id] = clip
        return record

    def delete(self, clip_id: str, why: str) -> None:
        """Delete a clip, and log why."""
        clip = self._clips.pop(clip_id, None)
        place = self.folder / clip_id
        gone = self.folder / f"{_DRAFT}{clip_id}"
        place.rename(gone)  # at once: nobody reads half a clip
        _remove(gone)
        if clip is not None:
            log.info("clip %s (%s, day %s) was deleted: %s", clip_id, clip.reason, clip.day, why)

    def free_bytes(self) -> int:
        """Return the bytes that the disk still takes from this user."""
        disk = os.statvfs(self.folder)
        return disk.f_bavail * disk.f_frsize

    def probe(self) -> None:
        """Raise OSError while the disk takes nothing."""
        make_private_folder(self.folder)
        probe = self.folder / _PROBE
        _remove(probe)
        _write(probe, b"\0" * 4096)
        _remove(probe)


def _stored(place: Path) -> StoredClip | None:
    """Read a clip's record; None, with a word in the log, for a folder that is no clip."""
    try:
        with (place / RECORD_FILE).open("rb") as file:
            record = msgspec.json.decode(file.read(MOST_RECORD_BYTES), type=ClipRecord)
        size = sum(file.stat().st_size for file in _files(place))
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        log.warning("%s is no clip (%s); it is left as it is", place, error)
        return None
    return _of(record, size)


def _of(record: ClipRecord, size: int) -> StoredClip:
    wall_s = record.wall_s if record.trusted else None
    return StoredClip(record.id, record.reason, record.worth, record.day, wall_s, size)


def _files(place: Path) -> Iterator[Path]:
    return (file for file in place.iterdir() if file.is_file())


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
