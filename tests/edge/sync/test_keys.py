"""A station's secrets: whole, private, and never shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud_sync.wire.cards import KEY_BYTES
from config.errors import InputError
from edge.sync.keys import CARD_KEY, LEDGER_KEY, STATION_KEY, StationKeys, load_keys, make_keys

CARDS = bytes(range(32))
LEDGER = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
FILES = [STATION_KEY, CARD_KEY, LEDGER_KEY]


@pytest.fixture
def made(tmp_path: Path) -> StationKeys:
    return make_keys(tmp_path, CARDS, LEDGER)


def told_of(state_dir: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_keys(state_dir)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_keys_are_read_as_they_were_made(made: StationKeys, tmp_path: Path) -> None:
    again = load_keys(tmp_path)
    assert again.card == CARDS
    assert again.ledger.public_bytes_raw() == LEDGER.public_bytes_raw()
    message = b"a visit"
    again.signing.public_key().verify(made.signing.sign(message), message)


def test_every_station_draws_a_key_of_its_own(made: StationKeys, tmp_path: Path) -> None:
    other = make_keys(tmp_path / "other", CARDS, LEDGER)
    assert other.signing.private_bytes_raw() != made.signing.private_bytes_raw()


def test_making_keys_again_keeps_the_stations_own_and_takes_the_communitys_new_ones(
    made: StationKeys, tmp_path: Path
) -> None:
    again = make_keys(tmp_path, bytes(32), LEDGER)
    assert again.signing.private_bytes_raw() == made.signing.private_bytes_raw()
    assert again.card == bytes(32)


@pytest.mark.usefixtures("made")
def test_only_the_owner_may_read_them_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_keys(tmp_path / "open", CARDS, LEDGER)
    finally:
        os.umask(before)
    modes = {
        (folder / name).stat().st_mode & 0o777 for folder in (tmp_path, tmp_path / "open") for name in FILES
    }
    assert modes == {0o600}


@pytest.mark.usefixtures("made")
def test_nothing_half_written_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / f".{CARD_KEY}.new").write_text("half", encoding="ascii")  # of a station that lost power
    make_keys(tmp_path, CARDS, LEDGER)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("name", FILES)
def test_a_missing_key_is_named_with_the_command_that_makes_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).unlink()
    told = told_of(tmp_path)
    assert told.startswith(f"no key file {tmp_path / name}; ")
    assert "tongzhan station enrol" in told


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(("mode", "said"), [(0o644, "read"), (0o640, "read"), (0o602, "changed")])
def test_a_key_that_others_may_touch_is_refused_with_the_mend(tmp_path: Path, mode: int, said: str) -> None:
    (tmp_path / CARD_KEY).chmod(mode)
    file = tmp_path / CARD_KEY
    assert told_of(tmp_path) == f"{file} can be {said} by others; run: chmod 600 {file}"


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("length", [0, KEY_BYTES - 1, KEY_BYTES + 1])
def test_a_key_of_another_length_is_refused(tmp_path: Path, length: int) -> None:
    (tmp_path / STATION_KEY).write_text(bytes(length).hex(), encoding="ascii")
    assert told_of(tmp_path) == (
        f"{tmp_path / STATION_KEY} holds {length} bytes, a key has {KEY_BYTES}; restore it"
    )


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("content", [b"not hex at all", b"\xff\xfe\x00", b"0x" + b"0" * 62])
def test_a_file_that_is_no_key_is_named_and_not_quoted(tmp_path: Path, content: bytes) -> None:
    (tmp_path / CARD_KEY).write_bytes(content)
    told = told_of(tmp_path)
    assert told.startswith(f"{tmp_path / CARD_KEY} is no key file (")
    assert "not hex at all" not in told


def test_nothing_that_prints_keys_shows_them(made: StationKeys) -> None:
    shown = f"{made!r} {made} {[made]}"
    assert shown == "StationKeys(…) StationKeys(…) [StationKeys(…)]"


def test_a_folder_that_cannot_hold_keys_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")
    with pytest.raises(
        InputError, match=r"no keys can be kept in .*/file .*; a file stands where a folder should be"
    ):
        make_keys(tmp_path / "file", CARDS, LEDGER)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make keys for another user")
def test_keys_made_by_root_belong_to_the_folders_owner(tmp_path: Path) -> None:
    os.chown(tmp_path, 61_001, 61_001)
    make_keys(tmp_path, b"k" * 32, Ed25519PrivateKey.generate().public_key())
    assert {file.stat().st_uid for file in tmp_path.iterdir()} == {61_001}
