"""Who else may read or change a file that holds a secret or a name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import config
from cloud_sync.rules.award_rules import AwardRules
from config.errors import InputError
from config.ledger import load_ledger
from config.reading.load import load_toml
from config.reading.private import (
    hand_over,
    keep_private,
    make_private,
    make_private_folder,
    read_secret,
    refuse_shared,
    refuse_writers,
)
from edge.station_file import load_station
from tests.config.test_load_station import GOOD

SOMEBODY = 61_001
SHIPPED_RULES = Path(config.__file__).with_name("award_rules.v1.toml")
LEDGER_TOML = """
[ledger]
community = "lane"
name_zh = "巷"
name_en = "Lane"
database = "ledger.sqlite3"
state_dir = "state"
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text("hunter2\n")
    file.chmod(0o600)
    return file


def mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


@pytest.mark.parametrize("given", [0o400, 0o440, 0o600, 0o640])
def test_a_secret_that_a_group_may_read_is_read(secret: Path, given: int) -> None:
    secret.chmod(given)
    assert read_secret(secret) == "hunter2"


@pytest.mark.parametrize(
    ("given", "said", "mend"),
    [
        (0o644, "read", "640"),
        (0o666, "read", "640"),
        (0o604, "read", "600"),
        (0o660, "changed", "640"),
        (0o602, "changed", "600"),
    ],
)
def test_a_secret_that_others_can_read_or_change_is_refused_with_its_mend(
    secret: Path, given: int, said: str, mend: str
) -> None:
    secret.chmod(given)
    with pytest.raises(InputError) as refused:
        read_secret(secret)
    assert str(refused.value) == f"{secret} can be {said} by others; run: chmod {mend} {secret}"


def test_a_key_is_readable_only_by_its_owner(secret: Path) -> None:
    secret.chmod(0o640)
    with pytest.raises(InputError, match="run: chmod 600"):
        refuse_shared(secret)


def test_a_new_database_is_readable_only_by_its_owner_with_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_private_folder(tmp_path / "a" / "b")
        make_private(tmp_path / "a" / "b" / "file")
        make_private(tmp_path / "a" / "b" / "file")
    finally:
        os.umask(before)
    assert (mode(tmp_path / "a" / "b"), mode(tmp_path / "a" / "b" / "file")) == (0o700, 0o600)


def test_a_database_that_anybody_can_read_is_made_private_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = [tmp_path / name for name in ("d", "d-wal", "d-shm")]
    for file in files:
        file.touch()
        file.chmod(0o644)
    for _ in range(2):
        keep_private(files[0])
    assert [mode(file) for file in files] == [0o640] * 3
    assert len(caplog.messages) == 3


def test_for_somebody_elses_database_the_mend_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "d"
    file.touch()
    file.chmod(0o644)

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "chmod", refuse)
    keep_private(file)
    assert caplog.messages == [f"{file} can be read by anybody; run: sudo chmod o= {file}"]


@needs_root
def test_a_file_that_root_creates_belongs_to_the_owner_of_its_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, SOMEBODY, SOMEBODY)
    make_private_folder(tmp_path / "state")
    make_private(tmp_path / "state" / "file")
    key = tmp_path / "state" / "key"
    key.touch()
    hand_over(key)
    made = (tmp_path / "state", *(tmp_path / "state").iterdir())
    assert {path.stat().st_uid for path in made} == {SOMEBODY}


def test_a_ledger_toml_that_anybody_can_change_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ledger.toml"
    file.write_text(LEDGER_TOML)
    file.chmod(0o644)
    load_ledger(file)
    file.chmod(0o666)
    with pytest.raises(InputError, match=r"run: chmod 664 .*ledger\.toml"):
        load_ledger(file)


def test_rules_that_anybody_can_change_are_refused_by_the_ledger_and_logged_by_a_station(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_bytes(SHIPPED_RULES.read_bytes())
    rules.chmod(0o666)
    with pytest.raises(InputError, match=r"run: chmod 664 .*rules\.toml"):
        load_toml(rules, AwardRules, refuse_writers)
    load_toml(rules, AwardRules)
    assert caplog.messages == [f"{rules} can be changed by anybody; run: sudo chmod o-w {rules}"]


def test_a_ledger_toml_with_a_password_in_it_is_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "ledger.toml"
    file.write_text(LEDGER_TOML.replace("ledger.sqlite3", "postgresql://ledger:hunter2@db/ledger"))
    file.chmod(0o640)
    load_ledger(file)
    file.chmod(0o644)
    with pytest.raises(InputError) as refused:
        load_ledger(file)
    assert str(refused.value) == f"{file} can be read by others; run: chmod 640 {file}"


def test_a_station_toml_that_anybody_can_change_is_logged_and_keeps_no_lid_shut(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "station.toml"
    file.write_text(GOOD)
    file.chmod(0o666)
    load_station(file)
    assert caplog.messages == [f"{file} can be changed by anybody; run: sudo chmod o-w {file}"]
