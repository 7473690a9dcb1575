"""The ledger's secrets, files that only it may read: its own keys, and the card key of each community."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
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
from config.process.atomic import sync_folder, write_atomic
from config.reading.files import mend_of, unreadable
from config.reading.private import hand_over, make_private_folder, refuse_shared

SECRET_KEY_FILE = "secret_key"  # noqa: S105 (a file's name)
SIGNING_KEY_FILE = "signing_key"
COMMUNITIES = "communities"
"""Folder of the keys that are one community's."""
CARD_KEY_FILE = "card.key"
OLD_CARD_KEY_FILE = "card_key"
"""Of a ledger that had one community."""


def make_keys(state_dir: Path) -> None:
    """Make the ledger's own keys that are missing; those that exist stay as they are."""
    with _writing(state_dir):
        make_private_folder(state_dir)
        _create(state_dir / SECRET_KEY_FILE, secrets.token_hex(32))
        _create(state_dir / SIGNING_KEY_FILE, _new_signing_key())


def make_card_key(state_dir: Path, community: str) -> Path:
    """Make the key that a community's cards are hashed with, if it is missing; its file."""
    file = card_key_file(state_dir, community)
    with _writing(state_dir):
        _make_folder(state_dir, community)
        _create(file, secrets.token_hex(KEY_BYTES))
    return file


def keep_card_key(state_dir: Path, community: str, key: bytes) -> Path:
    """Store the card key of a community that comes from another ledger; InputError if it has another one."""
    file = card_key_file(state_dir, community)
    with _writing(state_dir):
        _make_folder(state_dir, community)
        _create(file, key.hex())
    if read_card_key(state_dir, community) != key:
        raise InputError(f"{file} is another card key", f"move it away: no community {community} is here")
    return file


def adopt_card_key(state_dir: Path, community: str) -> None:
    """Let the card key of a ledger that had one community be this community's; again does no harm.

    A community that has a key keeps it.
    """
    old, file = state_dir / OLD_CARD_KEY_FILE, card_key_file(state_dir, community)
    if file.exists() or not old.exists():
        return
    with _writing(state_dir):
        refuse_shared(old)
        _make_folder(state_dir, community)
        old.rename(file)
        for folder in (file.parent, state_dir):
            sync_folder(folder)


def card_key_file(state_dir: Path, community: str) -> Path:
    """Where a community's card key is."""
    return state_dir / COMMUNITIES / community / CARD_KEY_FILE


def card_keys(state_dir: Path) -> list[Path]:
    """The files of all card keys that are here, relative to the folder."""
    found = [*state_dir.glob(f"{COMMUNITIES}/*/{CARD_KEY_FILE}"), *state_dir.glob(OLD_CARD_KEY_FILE)]
    return sorted(file.relative_to(state_dir) for file in found)


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


def read_card_key(state_dir: Path, community: str) -> bytes:
    """The key that a community's cards are hashed with; InputError if it is missing or damaged."""
    file = card_key_file(state_dir, community)
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


@contextmanager
def _writing(state_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        told = f"state_dir {state_dir} cannot be written ({error.strerror or error})"
        raise InputError(told, mend_of(error, state_dir)) from None


def _make_folder(state_dir: Path, community: str) -> None:
    """The folder of a community's keys, private as the one around it."""
    for folder in (state_dir, state_dir / COMMUNITIES, state_dir / COMMUNITIES / community):
        make_private_folder(folder)


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
