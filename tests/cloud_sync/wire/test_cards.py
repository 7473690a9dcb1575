"""A card's pseudonym, against vectors computed elsewhere."""

from __future__ import annotations

import hashlib

import pytest

from cloud_sync.wire.cards import KEY_BYTES, card_hash
from cloud_sync.wire.facts import Credential

KEY = bytes(range(32))
KNOWN = "60583b55a382093ca44242f07365dd169a279a16c9c7c4ddbe17c750db58f132"


def hmac_by_hand(key: bytes, message: bytes) -> str:
    """Give HMAC-SHA-256 as RFC 2104 writes it down."""
    padded = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).hexdigest()


def test_a_known_card_has_its_known_pseudonym() -> None:
    # printf 'em4100:0102030405' | openssl dgst -sha256 -mac hmac -macopt hexkey:000102…1f
    assert card_hash(KEY, Credential.EM4100, "0102030405") == KNOWN


@pytest.mark.parametrize("number", ["0000000000", "ffffffffff", "01a2b3c4d5"])
def test_a_pseudonym_is_the_hmac_of_kind_and_number(number: str) -> None:
    assert card_hash(KEY, Credential.EM4100, number) == hmac_by_hand(KEY, f"em4100:{number}".encode())


def test_each_community_has_its_own_pseudonyms() -> None:
    other = bytes(reversed(KEY))
    assert card_hash(KEY, Credential.EM4100, "01") != card_hash(other, Credential.EM4100, "01")


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"{KEY_BYTES} bytes, this one {length}"):
        card_hash(bytes(length), Credential.EM4100, "01")
