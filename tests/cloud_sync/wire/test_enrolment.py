"""Keys are traded with the ledger that the code names, and nobody else learns or changes anything."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from cloud_sync.wire.enrolment import (
    MAX_ANSWER_BYTES,
    MAX_REQUEST_BYTES,
    EnrolmentError,
    Given,
    WrongLedgerError,
    make_answer,
    make_request,
    open_answer,
    open_request,
    proof_key,
    seal_to,
    unseal,
)
from cloud_sync.wire.enrolment_code import EnrolmentCode, ledger_name

LEDGER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
STATION = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
SEAL = X25519PrivateKey.from_private_bytes(b"x" * 32)
ONCE = X25519PrivateKey.from_private_bytes(b"o" * 32)
SECRET = b"0123456789"
LEDGER_PUBLIC = LEDGER.public_key().public_bytes_raw()
CODE = EnrolmentCode("points.example.org", 443, True, b"12345", ledger_name(LEDGER_PUBLIC), SECRET)  # noqa: FBT003 (tls)
GIVEN = Given(
    community="sunny-garden",
    station="east-gate",
    timezone="Asia/Shanghai",
    language="zh",
    card_key="ab" * 32,
    ledger_key=LEDGER_PUBLIC.hex(),
    url="https://points.example.org",
    host="broker.example.org",
    port=8883,
    username="sunny-garden.east-gate.1",
    password="a password",  # noqa: S106 (an example)
    ca="-----BEGIN CERTIFICATE-----",
)
REQUEST = make_request(CODE, STATION, SEAL, "sunny-garden", "east-gate")
ANSWER = make_answer(LEDGER, open_request(REQUEST), GIVEN, ONCE)


def test_the_station_gets_what_the_ledger_gave() -> None:
    request = open_request(REQUEST)
    assert request.proves(proof_key(SECRET))
    assert request.body.key == STATION.public_key().public_bytes_raw().hex()
    assert open_answer(ANSWER, CODE, REQUEST, SEAL) == GIVEN


def test_the_same_keys_ask_in_the_same_bytes() -> None:
    assert make_request(CODE, STATION, SEAL, "sunny-garden", "east-gate") == REQUEST


@given(st.integers(0, len(ANSWER) - 1), st.integers(1, 255))
def test_an_answer_with_any_byte_changed_is_refused(at: int, by: int) -> None:
    changed = ANSWER[:at] + bytes([ANSWER[at] ^ by]) + ANSWER[at + 1 :]
    with pytest.raises(EnrolmentError):
        open_answer(changed, CODE, REQUEST, SEAL)


@given(st.integers(0, len(REQUEST) - 1), st.integers(1, 255))
def test_a_request_with_any_byte_changed_is_refused(at: int, by: int) -> None:
    changed = REQUEST[:at] + bytes([REQUEST[at] ^ by]) + REQUEST[at + 1 :]
    try:
        request = open_request(changed)
    except EnrolmentError:
        return
    assert not request.proves(proof_key(SECRET))


def test_a_false_server_fails_even_with_the_whole_code() -> None:
    false = structs.replace(GIVEN, ledger_key=OTHER.public_key().public_bytes_raw().hex())
    with pytest.raises(WrongLedgerError, match=r"points\.example\.org has not the key that the code names"):
        open_answer(make_answer(OTHER, open_request(REQUEST), false, ONCE), CODE, REQUEST, SEAL)


def test_a_ledger_that_gives_another_ledgers_key_is_refused() -> None:
    strange = structs.replace(GIVEN, ledger_key="00" * 32)
    with pytest.raises(EnrolmentError, match="another ledger's key"):
        open_answer(make_answer(LEDGER, open_request(REQUEST), strange, ONCE), CODE, REQUEST, SEAL)


def test_an_answer_to_another_request_is_refused() -> None:
    again = make_request(CODE, OTHER, SEAL, "", "")
    with pytest.raises(EnrolmentError, match="another request"):
        open_answer(ANSWER, CODE, again, SEAL)


def test_neither_message_tells_a_secret() -> None:
    recorded = REQUEST + ANSWER
    secrets = [SECRET, GIVEN.card_key.encode(), GIVEN.password.encode(), STATION.private_bytes_raw()]
    for secret in [*secrets, proof_key(SECRET)]:
        assert secret not in recorded
        assert secret.hex().encode() not in recorded
    assert "password" not in repr(GIVEN)
    assert GIVEN.card_key not in repr(GIVEN)


def test_another_secret_or_another_station_key_proves_nothing() -> None:
    wrong = EnrolmentCode("points.example.org", 443, True, b"12345", CODE.ledger, b"9876543210")  # noqa: FBT003 (tls)
    assert not open_request(make_request(wrong, STATION, SEAL, "", "")).proves(proof_key(SECRET))
    body = REQUEST.partition(b"\n")[2].replace(
        STATION.public_key().public_bytes_raw().hex().encode(),
        OTHER.public_key().public_bytes_raw().hex().encode(),
    )
    with pytest.raises(EnrolmentError, match="signature"):
        open_request(REQUEST.partition(b"\n")[0] + b"\n" + body)


def test_a_station_that_asks_with_no_real_key_gets_nothing() -> None:
    with pytest.raises(EnrolmentError, match="X25519 key is none"):
        seal_to(bytes(32), b"card key", b"", ONCE)


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_a_seal_opens_with_its_key_and_what_it_is_bound_to(plain: bytes, bound: bytes) -> None:
    own, box = seal_to(SEAL.public_key().public_bytes_raw(), plain, bound, ONCE)
    assert unseal(SEAL, own, box, bound) == plain
    with pytest.raises(EnrolmentError):
        unseal(SEAL, own, box, bound + b"!")
    with pytest.raises(EnrolmentError):
        unseal(X25519PrivateKey.from_private_bytes(b"y" * 32), own, box, bound)


@pytest.mark.parametrize("message", [b"", b"\n", b"{}\n{}", b"[" * 1000 + b"\n", b"\xff\n\xff", b"x" * 5000])
def test_what_is_no_message_is_refused(message: bytes) -> None:
    with pytest.raises(EnrolmentError):
        open_request(message)
    with pytest.raises(EnrolmentError):
        open_answer(message, CODE, REQUEST, SEAL)
    assert len(REQUEST) < MAX_REQUEST_BYTES
    assert len(ANSWER) < MAX_ANSWER_BYTES
    assert hashlib.sha256(REQUEST).hexdigest() == open_request(REQUEST).digest
