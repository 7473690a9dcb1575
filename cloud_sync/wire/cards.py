"""A card's pseudonym: what is stored and sent in place of its number.

Pseudonymity, not secrecy: whoever steals the community's key can search all 32-bit numbers.
"""

from __future__ import annotations

import hmac

from cloud_sync.wire.facts import Credential

KEY_BYTES = 32
"""Length of a community's card key."""


def card_hash(key: bytes, credential: Credential, number: str) -> str:
    """64 hex digits: HMAC-SHA-256 over the credential's kind and its canonical number.

    The canonical number of an EM4100 fob is its five bytes as ten lower-case hex digits, so that one
    fob is one card through any reader. ValueError for a key of another length than KEY_BYTES.
    """
    if len(key) != KEY_BYTES:
        msg = f"a card key has {KEY_BYTES} bytes, this one {len(key)}"
        raise ValueError(msg)
    return hmac.digest(key, f"{credential}:{number}".encode(), "sha256").hex()
