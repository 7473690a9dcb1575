"""What shows that a card key is a community's without telling it, and what shows that a ledger has one."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud_sync.ledger.moving.file import FileHead
from cloud_sync.wire.cards import KEY_BYTES
from cloud_sync.wire.envelope import is_signed
from config.errors import InputError
from config.reading import typed
from config.reading.private import read_secret

KEY = re.compile("[0-9a-f]{64}")
ARRIVED = b"tongzhan arrival 1\n"


def check_of(card_key: bytes, slug: str) -> str:
    """Return what a card key makes of its community's slug, hex; the key cannot be found from it."""
    return hmac.new(card_key, b"tongzhan card key of " + slug.encode(), hashlib.sha256).hexdigest()


def card_key_of(file: Path, header: FileHead) -> bytes:
    """Return the card key that a file holds; InputError unless it is the community's."""
    try:
        key = bytes.fromhex(read_secret(file))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES or not hmac.compare_digest(check_of(key, header.slug), header.card_key):
        raise InputError(
            f"{file} is not the card key of {header.slug}",
            f"bring it from the old ledger: `community show {header.slug}` there says where it is",
        )
    return key


def public_key(what: str, text: str) -> str:
    """Return a ledger's public key as 64 hex digits; InputError for anything else."""
    found = typed.hexadecimal(text)
    if not KEY.fullmatch(found):
        raise InputError(f"{what} {text!r} is no public key", "give the 64 hex digits that `init` prints")
    return found


def confirm(key: Ed25519PrivateKey, number: str, slug: str, heads: dict[str, object]) -> str:
    """Return the code by which a ledger says that it has a community up to these heads."""
    return key.sign(_statement(number, slug, heads)).hex()


def is_confirmed(code: str, public: str, number: str, slug: str, heads: dict[str, object]) -> bool:
    """Return whether the ledger with this public key gave the code."""
    try:
        signature = bytes.fromhex(typed.hexadecimal(code))
    except ValueError:
        return False
    return is_signed(_statement(number, slug, heads), signature, bytes.fromhex(public))


def _statement(number: str, slug: str, heads: dict[str, object]) -> bytes:
    return ARRIVED + json.dumps([number, slug, heads], sort_keys=True).encode()
