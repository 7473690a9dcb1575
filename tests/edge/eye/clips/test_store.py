"""A clip is on the disk whole or not at all."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import msgspec
import pytest

from config.sorting import Category
from edge.eye.clips.choose import ClipReason, KeptClip
from edge.eye.clips.record import ClipRecord, MadeClip, VisitName
from edge.eye.clips.store import ClipStore

MADE = MadeClip(b"still", b"crop", b"clip", (640, 480), (0, 0, 640, 480), 0)


def record(name: str = "one", reason: ClipReason = ClipReason.UNSURE, day: str = "2026-06-01") -> ClipRecord:
    return ClipRecord(
        id=name,
        community="lane",
        station="gate",
        visit=VisitName("boot", 5.0),
        deposit=1,
        bin="kitchen",
        bin_category=Category.KITCHEN,
        reason=reason,
        worth=0.4,
        at_s=9.0,
        wall_s=1_790_000_000.0,
        trusted=True,
        day=day,
        box=(0, 0, 640, 480),
        size=(640, 480),
        faces=0,
    )


def opened(folder: Path) -> ClipStore:
    store = ClipStore(folder)
    store.begin()
    return store


def test_what_is_stored_is_there_for_the_next_eye_with_digests_and_closed_to_others(tmp_path: Path) -> None:
    opened(tmp_path).put(record(), MADE)
    store = opened(tmp_path)
    (clip,) = store.clips()
    assert (clip.id, clip.reason, clip.day) == ("one", ClipReason.UNSURE, "2026-06-01")
    assert store.of_day("2026-06-01") == (KeptClip("one", ClipReason.UNSURE, 0.4),)
    assert store.of_day("2026-06-02") == ()
    place = store.folder / "one"
    told = msgspec.json.decode((place / "clip.json").read_bytes(), type=ClipRecord)
    assert told.digests["clip.mp4"] == hashlib.sha256(b"clip").hexdigest()
    assert {file.name: file.stat().st_mode & 0o777 for file in place.iterdir()} == dict.fromkeys(
        ("clip.json", "clip.mp4", "crop.jpg", "still.jpg"), 0o600
    )
    assert clip.size == sum(file.stat().st_size for file in place.iterdir())


def test_without_a_clip_only_the_stills_are_stored(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.put(record(), msgspec.structs.replace(MADE, clip=None))
    assert sorted(file.name for file in (store.folder / "one").iterdir()) == [
        "clip.json",
        "crop.jpg",
        "still.jpg",
    ]


def test_the_same_clip_again_replaces_it(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.put(record(), MADE)
    store.put(record(reason=ClipReason.ALARM), msgspec.structs.replace(MADE, clip=b"later"))
    assert [clip.reason for clip in store.clips()] == [ClipReason.ALARM]
    assert (store.folder / "one" / "clip.mp4").read_bytes() == b"later"


def test_a_disk_that_fills_up_leaves_no_part_of_a_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(tmp_path)
    written: list[Path] = []

    def full(path: Path, content: bytes) -> None:
        del content
        written.append(path)
        if len(written) > 2:
            raise OSError(28, "No space left on device")
        path.write_bytes(b"part")

    monkeypatch.setattr("edge.eye.clips.store._write", full)
    with pytest.raises(OSError, match="No space"):
        store.put(record(), MADE)
    assert list(store.folder.iterdir()) == []
    assert store.clips() == ()


def test_what_a_killed_eye_left_unfinished_is_removed_and_foreign_folders_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = opened(tmp_path)
    store.put(record(), MADE)
    (store.folder / ".new-two").mkdir()
    (store.folder / ".new-two" / "still.jpg").write_bytes(b"half")
    (store.folder / "foreign").mkdir()
    (store.folder / "foreign" / "clip.json").write_bytes(b"{")
    again = opened(tmp_path)
    assert [clip.id for clip in again.clips()] == ["one"]
    assert sorted(place.name for place in again.folder.iterdir()) == ["foreign", "one"]
    assert "foreign is no clip" in caplog.text


def test_a_deletion_is_logged_with_its_reason(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = opened(tmp_path)
    store.put(record(), MADE)
    with caplog.at_level(logging.INFO):
        store.delete("one", "it is old enough")
    assert "clip one (unsure, day 2026-06-01) was deleted: it is old enough" in caplog.text
    assert (store.clips(), list(store.folder.iterdir())) == ((), [])
