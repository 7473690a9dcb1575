"""A station's side of enrolment: killed anywhere it ends well, and a false ledger changes nothing."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from cloud_sync.wire.enrolment import Given, make_answer, open_request
from cloud_sync.wire.enrolment_code import EnrolmentCode, ledger_name
from config.errors import InputError
from config.reading.enrolled import read_enrolled
from edge.enrol import enrol as trading
from edge.enrol.enrol import enrol
from edge.enrol.keeping import complete
from edge.enrol.pending import PENDING, begin, keep, read_pending
from edge.sync.keys import load_keys

LEDGER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = LEDGER.public_key().public_bytes_raw()
CODE = EnrolmentCode("points.example.org", 443, True, b"12345", ledger_name(PUBLIC), b"0123456789")  # noqa: FBT003 (tls)
ANOTHER = EnrolmentCode("points.example.org", 443, True, b"54321", ledger_name(PUBLIC), b"9876543210")  # noqa: FBT003 (tls)


def given(user: str = "garden.east.1") -> Given:
    return Given(
        community="garden",
        station="east",
        name_zh="东门",
        timezone="Asia/Shanghai",
        language="zh",
        card_key="ab" * 32,
        ledger_key=PUBLIC.hex(),
        url="https://points.example.org",
        host="broker.example.org",
        port=8883,
        username=user,
        password="a password",  # noqa: S106 (an example)
        ca="an authority\n",
    )


class Killed(BaseException):
    """The program is killed here."""


class Ledger:
    """A ledger that answers the same request the same way, and another one with a used code not at all."""

    def __init__(self, key: Ed25519PrivateKey = LEDGER) -> None:
        self.key = key
        self.answers: dict[EnrolmentCode, tuple[bytes, bytes]] = {}
        self.asked = 0

    def __call__(self, code: EnrolmentCode, request: bytes) -> bytes:
        self.asked += 1
        if code not in self.answers:
            told = given(f"garden.east.{len(self.answers) + 1}")
            made = make_answer(self.key, open_request(request), told, X25519PrivateKey.generate())
            self.answers[code] = request, made
        before, answer = self.answers[code]
        if before != request:
            raise InputError("the code has been used", "make another code")
        return answer


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    made = Ledger()
    monkeypatch.setattr(trading, "ask", made)
    return made


class Death:
    """Ends the program at a change of the disk of that number: before it, so that it does not happen."""

    def __init__(self) -> None:
        self.left = -1

    def at(self, number: int) -> None:
        self.left = number

    def __call__(self) -> None:
        if self.left == 0:
            self.left = -1
            raise Killed
        self.left -= 1


@pytest.fixture
def death(monkeypatch: pytest.MonkeyPatch) -> Death:
    made = Death()
    for owner, name in ((Path, "replace"), (Path, "unlink"), (os, "open"), (os, "fsync")):
        monkeypatch.setattr(owner, name, dying(made, getattr(owner, name)))
    return made


def dying(death: Death, change: Callable[..., object]) -> Callable[..., object]:
    def changed(*arguments: object, **named: object) -> object:
        death()
        return change(*arguments, **named)

    return changed


def test_a_fresh_station_keeps_what_the_ledger_gives(tmp_path: Path, ledger: Ledger) -> None:
    state_dir = tmp_path / "state"
    assert enrol(state_dir, CODE, "", "").station == "east"
    keys = load_keys(state_dir)
    assert keys.card == bytes.fromhex("ab" * 32)
    assert keys.ledger.public_bytes_raw() == PUBLIC
    cloud = read_enrolled(state_dir)["cloud"]
    assert Path(cloud["password_file"]).read_text() == "a password\n"
    assert Path(cloud["tls_ca"]).read_text() == "an authority\n"
    assert {stat.S_IMODE(file.stat().st_mode) for file in state_dir.iterdir()} == {0o600}
    assert not (state_dir / PENDING).exists()
    assert ledger.asked == 1


def test_killed_before_any_change_on_the_disk_the_same_command_ends_well(
    tmp_path: Path, ledger: Ledger, death: Death
) -> None:
    for number in range(500):
        state_dir = tmp_path / str(number)
        ledger.answers.clear()
        death.at(number)
        try:
            enrol(state_dir, CODE, "", "")
        except Killed:
            pass
        else:
            break
        assert enrol(state_dir, CODE, "", "").username == "garden.east.1"
        asked = open_request(ledger.answers[CODE][0]).body.key
        assert load_keys(state_dir).signing.public_key().public_bytes_raw().hex() == asked
        assert not (state_dir / PENDING).exists()
        assert not list(state_dir.glob(".*.new"))
    assert number > 20, "the loop ended before it began"


def test_killed_before_any_change_an_older_station_stays_itself_or_becomes_the_new_one(
    tmp_path: Path, ledger: Ledger, death: Death
) -> None:
    for number in range(500):
        state_dir = tmp_path / str(number)
        ledger.answers.clear()
        enrol(state_dir, CODE, "", "")
        old = load_keys(state_dir).signing.private_bytes_raw()
        death.at(number)
        try:
            enrol(state_dir, ANOTHER, "garden", "east")
        except Killed:
            pass
        else:
            break
        complete(state_dir)  # as sync does when it starts
        cloud = read_enrolled(state_dir)["cloud"]
        is_new = load_keys(state_dir).signing.private_bytes_raw() != old
        assert cloud["username"] == ("garden.east.2" if is_new else "garden.east.1")
        assert Path(cloud["password_file"]).exists()
        assert enrol(state_dir, ANOTHER, "garden", "east").username == "garden.east.2"
        assert [file.name for file in state_dir.glob("broker.*.password")] == [
            "broker.garden.east.2.password"
        ]
    assert number > 20, "the loop ended before it began"


def test_a_false_server_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trading, "ask", Ledger(Ed25519PrivateKey.generate()))
    with pytest.raises(InputError, match="it is a false server") as caught:
        enrol(tmp_path, CODE, "", "")
    assert "make another code" in caught.value.mend
    assert [file.name for file in tmp_path.iterdir()] == [PENDING]
    assert not complete(tmp_path)


def test_an_answer_damaged_on_its_way_is_refused_and_asked_for_again(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trading, "ask", lambda code, request: ledger(code, request)[:-9] + b"x" * 9)
    with pytest.raises(InputError, match="was damaged on its way"):
        enrol(tmp_path, CODE, "", "")
    monkeypatch.setattr(trading, "ask", ledger)
    assert enrol(tmp_path, CODE, "", "").station == "east"


def test_another_code_asks_with_other_keys(tmp_path: Path) -> None:
    first = begin(tmp_path, CODE)
    assert begin(tmp_path, CODE) == first
    assert begin(tmp_path, ANOTHER).key != first.key
    assert "key" not in repr(first)


def test_a_damaged_note_of_an_enrolment_is_begun_again(tmp_path: Path, ledger: Ledger) -> None:
    keep(tmp_path, begin(tmp_path, CODE))
    (tmp_path / PENDING).write_text("{}")
    assert read_pending(tmp_path) is None
    assert enrol(tmp_path, CODE, "", "").station == "east"
    assert ledger.asked == 1


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, ledger: Ledger) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(InputError, match="no keys can be kept in"):
        enrol(tmp_path / "state", CODE, "", "")
    assert ledger.asked == 0
