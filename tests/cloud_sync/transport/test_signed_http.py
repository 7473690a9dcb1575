"""Requests that a key signed, and what becomes of one that somebody changed on the way."""

from __future__ import annotations

import base64
import hashlib
from typing import NoReturn

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.transport.signed_http import Proof, SignatureError, proof_of, signed
from cloud_sync.wire.envelope import key_id

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
KEY_ID = key_id(KEY.public_key())
TARGET, BODY, NONCE = "/api/v1/station/roster?have=3", b'{"a":1}', "cafe:1x:sig-_"


def known(key: str) -> Ed25519PublicKey | None:
    return KEY.public_key() if key == KEY_ID else None


def proof(headers: dict[str, str], method: str = "POST", target: str = TARGET, body: bytes = BODY) -> Proof:
    return proof_of(method, target, headers, body, known)


def headers_of(key: Ed25519PrivateKey = KEY) -> dict[str, str]:
    return signed(key, "POST", TARGET, BODY, nonce=NONCE)


def test_a_signed_request_proves_its_key_and_carries_its_nonce() -> None:
    assert proof(headers_of()) == Proof(KEY_ID, NONCE)


def test_a_request_without_a_body_or_a_query_is_signed_too() -> None:
    headers = signed(KEY, "GET", "/api/v1/x", nonce=NONCE)
    assert proof(headers, "GET", "/api/v1/x", b"") == Proof(KEY_ID, NONCE)


def test_no_time_of_the_station_is_stated() -> None:
    assert "created=0;" in headers_of()["Signature-Input"]
    assert "expires" not in headers_of()["Signature-Input"]


def test_what_the_look_up_of_a_key_raises_is_raised() -> None:
    def away(_: str) -> NoReturn:
        raise LookupError("away")

    with pytest.raises(LookupError, match="away"):
        proof_of("POST", TARGET, headers_of(), BODY, away)


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", TARGET, BODY),
        ("POST", "/api/v1/station/rules?have=3", BODY),
        ("POST", "/api/v1/station/roster?have=0", BODY),
        ("POST", "/api/v1/station/roster", BODY),
        ("POST", TARGET, b'{"a":2}'),
        ("POST", TARGET, b""),
    ],
)
def test_another_method_path_query_or_body_is_refused(method: str, target: str, body: bytes) -> None:
    with pytest.raises(SignatureError):
        proof(headers_of(), method, target, body)


def test_a_new_digest_for_another_body_does_not_help() -> None:
    other = b'{"a":2}'
    digest = base64.b64encode(hashlib.sha256(other).digest()).decode()
    with pytest.raises(SignatureError):
        proof(headers_of() | {"Content-Digest": f"sha-256=:{digest}:"}, body=other)


def test_another_nonce_or_key_in_the_header_is_refused() -> None:
    headers = headers_of()
    given = headers["Signature-Input"]
    for said in (given.replace(NONCE, "later"), given.replace("tongzhan-station", "model")):
        with pytest.raises(SignatureError):
            proof(headers | {"Signature-Input": said})
    stranger = headers_of(OTHER)
    theirs = key_id(OTHER.public_key())
    with pytest.raises(SignatureError):
        proof(stranger | {"Signature-Input": stranger["Signature-Input"].replace(theirs, KEY_ID)})


@pytest.mark.parametrize("left_out", ['"@method" ', '"@path" ', '"@query" ', ' "content-digest"'])
def test_a_signature_that_covers_less_is_refused(left_out: str) -> None:
    headers = headers_of()
    assert left_out in headers["Signature-Input"]
    with pytest.raises(SignatureError):
        proof(headers | {"Signature-Input": headers["Signature-Input"].replace(left_out, "")})


@pytest.mark.parametrize("header", ["Signature", "Signature-Input", "Content-Digest"])
def test_a_header_that_is_missing_is_a_refusal_and_no_crash(header: str) -> None:
    with pytest.raises(SignatureError):
        proof({name: value for name, value in headers_of().items() if name != header})


@given(st.sampled_from(["Signature", "Signature-Input", "Content-Digest"]), st.text(max_size=120))
def test_whatever_stands_in_a_header_is_refused_in_words(header: str, text: str) -> None:
    with pytest.raises(SignatureError) as refused:
        proof(headers_of() | {header: text})
    assert str(refused.value)
