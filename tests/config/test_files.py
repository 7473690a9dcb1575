"""Files from other machines: encodings are named, and each refusal of the system has its own mend."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from config.errors import InputError
from config.reading.files import mend_of, owner_of, read_text, sqlite_mend
from config.reading.load import load_toml


class Named(msgspec.Struct, forbid_unknown_fields=True):
    name: str


TEXT = 'name = "荷花里"\n'


def complaint(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_toml(path, Named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_bytes(TEXT.replace("\n", "\r\n").encode("utf-8-sig"))
    assert load_toml(file, Named).name == "荷花里"


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-16", "is written in UTF-16"),
        ("utf-16-le", "is written in UTF-16"),
        ("utf-16-be", "is written in UTF-16"),
        ("utf-32", "is written in UTF-32"),
        ("gbk", "it is written in GBK, line 1)"),
        ("gb2312", "it is written in GBK, line 1)"),
    ],
)
def test_another_encoding_is_named_with_its_mend(tmp_path: Path, encoding: str, told: str) -> None:
    file = tmp_path / "a.toml"
    file.write_bytes(TEXT.encode(encoding))
    assert told in complaint(file)
    assert "; save it as UTF-8, or run: iconv -f " in complaint(file)


def test_bytes_that_are_not_text_in_any_encoding_are_reported_as_not_utf_8(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_bytes(b'name = "caf\xe9"\n')
    assert complaint(file) == f"{file} cannot be read (it is not UTF-8, line 1); save it as UTF-8"


def test_a_folder_and_a_missing_file_are_named_as_such(tmp_path: Path) -> None:
    assert "it is a folder: name a file" in complaint(tmp_path)
    assert complaint(tmp_path / "no.toml").startswith(f"no file {tmp_path}/no.toml; create it")


def test_a_pipe_without_an_end_is_refused_as_too_large() -> None:
    assert "is larger than" in complaint(Path("/dev/zero"))


CAUSES = (
    *(errno.ENOENT, errno.ENOSPC, errno.EROFS, errno.EIO, errno.EISDIR, errno.ENOTDIR),
    *(errno.ENAMETOOLONG, errno.ELOOP, errno.EMFILE, errno.EBUSY, errno.EACCES),
)


def test_every_cause_has_its_own_mend(tmp_path: Path) -> None:
    mends = [mend_of(OSError(cause, os.strerror(cause)), tmp_path) for cause in CAUSES]
    assert len(set(mends)) == len(mends)


def test_the_mend_for_another_users_file_is_to_run_as_that_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 4242)
    denied = PermissionError(errno.EACCES, "Permission denied")
    assert owner_of(Path("/proc/1/no-such-file")) == "root"
    assert mend_of(denied, Path("/etc/shadow")) == "run this as its owner: sudo -u root …"


def test_the_mend_for_ones_own_file_is_its_permissions(tmp_path: Path) -> None:
    assert mend_of(PermissionError(errno.EACCES, "Permission denied"), tmp_path / "x") == "mend its rights"


def sqlite_says(file: Path, *statements: str) -> sqlite3.Error:
    try:
        with closing(sqlite3.connect(file, timeout=0)) as connection:
            for statement in statements:
                connection.execute(statement)
    except sqlite3.Error as error:
        return error
    raise AssertionError("SQLite took it")


def test_an_error_of_sqlite_has_the_mend_of_its_cause(tmp_path: Path) -> None:
    away = tmp_path / "away" / "x.sqlite3"
    assert sqlite_mend(sqlite_says(away, "SELECT 1 FROM a"), away) == "make it, or name another"
    assert "it is a folder" in sqlite_mend(sqlite_says(tmp_path, "SELECT 1 FROM a"), tmp_path)
    rubbish = tmp_path / "rubbish"
    rubbish.write_text("no database" * 100)
    assert "not a SQLite file" in sqlite_mend(sqlite_says(rubbish, "SELECT 1 FROM a"), rubbish)
    held = tmp_path / "held.sqlite3"
    with closing(sqlite3.connect(held)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        assert "stop other programs that use it" in sqlite_mend(sqlite_says(held, "BEGIN EXCLUSIVE"), held)


def test_a_password_file_of_a_windows_editor_is_read(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_bytes(b"\xef\xbb\xbfopen sesame\r\n")
    assert read_text(file).strip() == "open sesame"
