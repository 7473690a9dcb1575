"""A file that is replaced is whole at every moment, or as it was."""

from __future__ import annotations

import os
from pathlib import Path
from stat import S_IMODE

import pytest

from config.process.atomic import write_atomic


def test_the_new_content_replaces_the_old_and_leaves_no_other_file(tmp_path: Path) -> None:
    file = tmp_path / "state"
    for data in (b"old", b"new"):
        write_atomic(file, data, durable=data == b"new")
    assert file.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [file]


def test_a_private_file_is_private_with_any_umask_and_any_older_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.touch(0o666)
    (tmp_path / ".key.new").touch(0o666)
    before = os.umask(0)
    try:
        write_atomic(file, b"secret", private=True)
    finally:
        os.umask(before)
    assert S_IMODE(file.stat().st_mode) == 0o600


def test_a_disk_that_refuses_leaves_the_old_content_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "state"
    write_atomic(file, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(file, b"new", durable=True)
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_content_and_name_are_forced_to_the_disk_only_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forced: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda fd: forced.append(Path(f"/proc/self/fd/{fd}").is_dir()))
    write_atomic(tmp_path / "a", b"")
    assert forced == []
    write_atomic(tmp_path / "a", b"", durable=True)
    assert forced == [False, True], "the content, then the name"
