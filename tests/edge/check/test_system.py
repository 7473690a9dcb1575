"""Probes of the parts that are not devices, over real folders and files."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from typing import Any, NoReturn

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.station import Language
from edge.check import system
from edge.check.finding import Level, line, load_texts
from edge.journal.schema import JOURNAL_FILE, claim, open_journal
from edge.ports import WallTime
from edge.sync.keys import make_keys

OURS = ("lane", "gate")


class Wall:
    """A calendar that the test sets."""

    def __init__(self, *, trusted: bool) -> None:
        self._trusted = trusted

    def now(self) -> float:
        return 0.0

    def wall(self) -> WallTime:
        return WallTime(1_800_000_000.0, trusted=self._trusted)


def test_keys_that_are_missing_or_open_to_others_fail_with_the_mend(tmp_path: Path) -> None:
    missing = system.check_keys(tmp_path)
    assert (missing.level, missing.says) == (Level.FAILED, "refused")
    assert "station enrol" in missing.values["mend"]
    make_keys(tmp_path, bytes(32), Ed25519PrivateKey.generate().public_key())
    assert system.check_keys(tmp_path).level is Level.OK
    (tmp_path / "card.key").chmod(0o644)
    assert "read by others" in system.check_keys(tmp_path).values["reason"]


def test_a_writable_disk_shows_its_free_space_and_speed(tmp_path: Path) -> None:
    found = system.check_disk(tmp_path, low_mb=0, full_mb=0)
    assert found.says in {"disk_ok", "disk_slow"}
    assert int(found.values["free"]) > 0
    assert not list(tmp_path.iterdir())


def test_a_nearly_full_disk_is_doubtful_and_a_full_one_fails(tmp_path: Path) -> None:
    low = system.check_disk(tmp_path, low_mb=10**9, full_mb=0)
    assert (low.level, low.says) == (Level.DOUBTFUL, "disk_full")
    full = system.check_disk(tmp_path, low_mb=10**9, full_mb=10**9)
    assert (full.level, full.says) == (Level.FAILED, "disk_full")


def test_a_missing_folder_fails(tmp_path: Path) -> None:
    assert system.check_disk(tmp_path / "gone").says == "disk_refuses"


MENDS = {
    errno.ENOSPC: "full",
    errno.EROFS: "read_only",
    errno.EIO: "broken",
    errno.ENOENT: "missing",
    errno.EMFILE: "",
}


@pytest.mark.parametrize("cause", MENDS)
def test_a_folder_that_cannot_be_written_has_the_fix_of_its_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cause: int
) -> None:
    def refuse(**_: object) -> NoReturn:
        raise OSError(cause, os.strerror(cause))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    found = (system.check_disk(tmp_path), system.check_runtime_folder(tmp_path))
    assert [each.mend for each in found] == [MENDS[cause]] * 2
    assert all(line(each, load_texts(), language).mend for each in found for language in Language)


def test_a_folder_of_another_user_is_to_be_checked_as_that_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    owner, texts = tmp_path.owner(), load_texts()
    open_journal(tmp_path).close()
    monkeypatch.setattr("os.geteuid", lambda: 4242)
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    monkeypatch.setattr("pathlib.Path.open", refuse)
    found = (system.check_disk(tmp_path), system.check_journal(tmp_path, OURS))
    assert [each.says for each in found] == ["disk_refuses", "journal_unread"]
    assert [line(each, texts, Language.ENGLISH).mend for each in found] == [
        f"Run this as its owner: sudo -u {owner} …"
    ] * 2


def test_a_journal_that_cannot_be_read_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_journal(tmp_path).close()

    def busy(*_: object, **__: object) -> NoReturn:
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise error

    monkeypatch.setattr(sqlite3, "connect", busy)
    found = system.check_journal(tmp_path, OURS)
    assert (found.says, found.values["reason"]) == ("journal_unread", "database is locked")


def test_an_intact_journal_on_a_read_only_disk_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_journal(tmp_path).close()
    real = sqlite3.connect

    def connect(address: str, **named: Any) -> sqlite3.Connection:  # noqa: ANN401 (passed on)
        if "immutable" not in address:  # what SQLite answers where it may make no -shm
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise error
        connection: sqlite3.Connection = real(address, **named)
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect)
    assert system.check_journal(tmp_path, OURS).says == "journal_ok"


def test_a_missing_an_intact_and_a_broken_journal_differ(tmp_path: Path) -> None:
    assert system.check_journal(tmp_path, OURS).says == "journal_none"
    file = tmp_path / JOURNAL_FILE
    journal = sqlite3.connect(file)
    journal.execute("CREATE TABLE visit (id INTEGER PRIMARY KEY, body TEXT)")
    journal.executemany("INSERT INTO visit (body) VALUES (?)", [("x" * 500,)] * 200)
    journal.commit()
    journal.close()
    assert system.check_journal(tmp_path, OURS).says == "journal_ok"
    bytes_ = bytearray(file.read_bytes())
    bytes_[4096:20_000] = b"\xff" * (20_000 - 4096)
    file.write_bytes(bytes_)
    broken = system.check_journal(tmp_path, OURS)
    assert (broken.level, broken.says) == (Level.FAILED, "journal_broken")


def test_a_journal_of_another_station_is_named_with_both_stations(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    assert system.check_journal(tmp_path, OURS).says == "journal_ok", "it is nobody's yet"
    claim(journal, "lane", "other-gate")
    journal.close()
    assert system.check_journal(tmp_path, ("lane", "other-gate")).says == "journal_ok"
    found = system.check_journal(tmp_path, OURS)
    assert (found.level, found.says) == (Level.FAILED, "journal_foreign")
    for language in Language:
        told = line(found, load_texts(), language)
        assert "lane/other-gate" in told.seen
        assert "lane/gate" in told.seen
        assert "state_dir" in told.mend


def test_the_memory_folder_is_judged_by_its_file_system(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    folder = tmp_path / "run"
    mounts.write_text(f"/dev/root / ext4 rw 0 0\ntmpfs {folder} tmpfs rw 0 0\n", encoding="utf-8")
    assert system.check_runtime_folder(folder, mounts).says == "runtime_ok"
    mounts.write_text("/dev/root / ext4 rw 0 0\n", encoding="utf-8")
    assert system.check_runtime_folder(folder, mounts).says == "runtime_on_disk"
    blocked = tmp_path / "file"
    blocked.touch()
    assert system.check_runtime_folder(blocked / "run", mounts).says == "runtime_refuses"


@pytest.mark.parametrize(("trusted", "level"), [(True, Level.OK), (False, Level.DOUBTFUL)])
def test_an_untrusted_clock_is_doubtful(trusted: bool, level: Level) -> None:  # noqa: FBT001
    assert system.check_clock(Wall(trusted=trusted)).level is level
