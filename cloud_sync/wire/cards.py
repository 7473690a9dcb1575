"""Card pseudonyms: stored and sent in place of a card's number.

Pseudonymity, not secrecy: a thief of the community's key can search all 32-bit numbers.
"""

from __future__ import annotations

import hmac

from cloud_sync.wire.facts import Credential

KEY_BYTES = 32
"""Length of a community's card key."""


def card_hash(key: bytes, credential: Credential, number: str) -> str:
    """Return 64 hex digits: HMAC-SHA-256 over the credential's kind and its canonical number.

    The canonical number of an EM4100 fob is its five bytes as ten lower-case hex digits, so that a fob is
    the same card at any reader. ValueError unless the key has KEY_BYTES.
    """
    if len(key) != KEY_BYTES:
        msg = f"a card key has {KEY_BYTES} bytes, this one {len(key)}"
        raise ValueError(msg)
    return hmac.digest(key, f"{credential}:{number}".encode(), "sha256").hex()
