"""The ledger's secrets, files that only it may read: Django's key, its signing key, the cards' key."""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from cloud_sync.wire.cards import KEY_BYTES
from config.errors import InputError
from config.process.atomic import write_atomic
from config.reading.files import mend_of, unreadable
from config.reading.private import hand_over, make_private_folder, refuse_shared

SECRET_KEY_FILE = "secret_key"  # noqa: S105 (a file's name)
SIGNING_KEY_FILE = "signing_key"
CARD_KEY_FILE = "card_key"


def make_keys(state_dir: Path) -> None:
    """Make the keys that are missing; those that exist stay as they are."""
    try:
        make_private_folder(state_dir)
        _create(state_dir / SECRET_KEY_FILE, secrets.token_hex(32))
        _create(state_dir / SIGNING_KEY_FILE, _new_signing_key())
        _create(state_dir / CARD_KEY_FILE, secrets.token_hex(KEY_BYTES))
    except OSError as error:
        told = f"state_dir {state_dir} cannot be written ({error.strerror or error})"
        raise InputError(told, mend_of(error, state_dir)) from None


def read_secret_key(state_dir: Path) -> str:
    """Django's secret key; InputError if it is missing or others may read it."""
    return _read(state_dir / SECRET_KEY_FILE)


def read_signing_key(state_dir: Path) -> Ed25519PrivateKey:
    """The key that signs receipts; InputError if it is missing, damaged, or others may read it."""
    file = state_dir / SIGNING_KEY_FILE
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(_read(file)))
    except ValueError:
        raise InputError(f"{file} is no Ed25519 key", "restore it from a backup") from None


def read_card_key(state_dir: Path) -> bytes:
    """The key that the community's cards are hashed with; InputError if it is missing or damaged."""
    file = state_dir / CARD_KEY_FILE
    try:
        key = bytes.fromhex(_read(file))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise InputError(f"{file} is no card key", "restore it from a backup")
    return key


def public_key_hex(key: Ed25519PrivateKey) -> str:
    """The public half as 64 hex digits: what the other end is told."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def _new_signing_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()).hex()


def _create(file: Path, text: str) -> None:
    """Make a file that is missing."""
    if not file.exists():
        write_atomic(file, text.encode("ascii"), private=True, durable=True)
        hand_over(file)


def _read(file: Path) -> str:
    try:
        refuse_shared(file)
        return file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"no file {file}", "run: tongzhan ledger init --config F") from None
    except OSError as error:
        raise unreadable(file, error) from None
    except UnicodeDecodeError:
        raise InputError(f"{file} is no key", "restore it from a backup") from None
