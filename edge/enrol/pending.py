"""An enrolment under way, in one private file: the keys that ask, and then what the ledger gave.

The file makes enrolment survive a kill at any instant. Keys are in it before they are sent, so that the same
command with the same code asks with the same keys, and the ledger answers the same again. What the ledger
gave is in it before the first of the station's files changes, so that an interrupted change is completed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from cloud_sync.wire.enrolment import Given, Hex32
from cloud_sync.wire.enrolment_code import EnrolmentCode
from config.process.atomic import write_atomic
from config.reading.private import hand_over, make_private_folder, refuse_shared

PENDING = "enrolling.json"


class Pending(msgspec.Struct, frozen=True):
    """An enrolment under way."""

    code: Hex32
    """SHA-256 of the code."""
    key: Hex32
    """The station's new Ed25519 key."""
    seal: Hex32
    """Its X25519 key of this exchange."""
    given: Given | None = None

    def __repr__(self) -> str:
        """Show no key: it must not reach a log."""
        return f"Pending({self.given}, …)"

    @property
    def signing(self) -> Ed25519PrivateKey:
        """The key that the station is to sign by."""
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self.key))

    @property
    def sealing(self) -> X25519PrivateKey:
        """The key that opens the answer."""
        return X25519PrivateKey.from_private_bytes(bytes.fromhex(self.seal))


def read_pending(state_dir: Path) -> Pending | None:
    """Return the enrolment under way; None for none, or for a file that is damaged. OSError."""
    file = state_dir / PENDING
    if not file.exists():
        return None
    refuse_shared(file)
    try:
        return msgspec.json.decode(file.read_bytes(), type=Pending)
    except msgspec.DecodeError:
        return None


def begin(state_dir: Path, code: EnrolmentCode) -> Pending:
    """Return the enrolment by this code: the one under way, or a new one with new keys. OSError."""
    named = name_of(code)
    found = read_pending(state_dir)
    if found is not None and found.code == named:
        return found
    made = Pending(
        named,
        Ed25519PrivateKey.generate().private_bytes_raw().hex(),
        X25519PrivateKey.generate().private_bytes_raw().hex(),
    )
    keep(state_dir, made)
    return made


def name_of(code: EnrolmentCode) -> str:
    """Return how files name a code without telling its secret."""
    return hashlib.sha256(code.text().encode()).hexdigest()


def keep(state_dir: Path, pending: Pending) -> None:
    """Write the enrolment to the disk. OSError."""
    make_private_folder(state_dir)
    write_atomic(state_dir / PENDING, msgspec.json.encode(pending), private=True, durable=True)
    hand_over(state_dir / PENDING)


def forget(state_dir: Path) -> None:
    """Remove the file, and with it the key that opens the answer. OSError."""
    (state_dir / PENDING).unlink(missing_ok=True)
