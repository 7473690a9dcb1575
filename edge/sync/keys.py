"""A station's secrets: files in its state folder that nobody else may read."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cloud_sync.wire.cards import KEY_BYTES
from config.errors import InputError
from config.process.atomic import write_atomic
from config.process.threads import within
from config.reading.files import mend_of, refuse_special, unreadable
from config.reading.private import hand_over, make_private_folder, refuse_shared
from edge.faults import FaultCode

STATION_KEY = "station.key"
CARD_KEY = "card.key"
LEDGER_KEY = "ledger.pub"
READ_S = 3.0
"""How long `station run` waits for one key: a disk that hangs must not keep lids shut."""


class MissingKeyError(InputError):
    """A key file is missing."""


@dataclass(frozen=True, slots=True)
class StationKeys:
    """`signing` signs what the station sends, `card` hashes cards, `ledger` checks what the ledger sends."""

    signing: Ed25519PrivateKey
    card: bytes
    ledger: Ed25519PublicKey

    def __repr__(self) -> str:
        """Show no key: keys must not reach a log."""
        return "StationKeys(…)"


@dataclass(frozen=True, slots=True)
class StationIdentity:
    """The station that sends, and its keys."""

    community: str
    station: str
    keys: StationKeys


@dataclass(frozen=True, slots=True)
class LoopKeys:
    """The keys that `station run` needs, and a fault for each that cannot be read."""

    card: bytes
    """The community's card key; a random one for this run if that cannot be read."""
    faults: Mapping[FaultCode, InputError]

    def __repr__(self) -> str:
        """Show no key: keys must not reach a log."""
        return f"LoopKeys(…, {sorted(self.faults)})"


def keys_for_loop(state_dir: Path, wait_s: float = READ_S) -> LoopKeys:
    """Read what `station run` needs, at most `wait_s` seconds a key; a key that is unreadable is a fault.

    InputError only if there are no keys at all: this station was never set up. Without the card key, cards
    are hashed with a random key of this run. Cards still differ from each other, so lids open and a held
    card is one tap, but no household, staff or blocked card is recognised. Visits are recorded, so the
    office sees when and where they were.
    """
    names = (STATION_KEY, CARD_KEY, LEDGER_KEY)
    errors: dict[str, InputError] = {}
    keys: dict[str, bytes] = {}
    for name in names:
        try:
            keys[name] = within(wait_s, partial(read_key, state_dir / name), f"read {name}")
        except InputError as error:
            errors[name] = error
        except TimeoutError as error:
            errors[name] = InputError(f"{state_dir / name} cannot be read ({error})", "look at its disk")
    if all(isinstance(errors.get(name), MissingKeyError) for name in names):
        raise errors[CARD_KEY]
    faults = {FaultCode.CARD_KEY_UNREADABLE: errors[CARD_KEY]} if CARD_KEY in errors else {}
    for name in (LEDGER_KEY, STATION_KEY):
        if name in errors:
            faults[FaultCode.SYNC_KEYS_UNREADABLE] = errors[name]
    return LoopKeys(keys.get(CARD_KEY) or secrets.token_bytes(KEY_BYTES), faults)


def load_keys(state_dir: Path) -> StationKeys:
    """Load the station's three keys; InputError names a file that is missing or wrong."""
    return StationKeys(
        signing=Ed25519PrivateKey.from_private_bytes(read_key(state_dir / STATION_KEY)),
        card=read_key(state_dir / CARD_KEY),
        ledger=Ed25519PublicKey.from_public_bytes(read_key(state_dir / LEDGER_KEY)),
    )


def make_keys(state_dir: Path, card_key: bytes, ledger_key: Ed25519PublicKey) -> StationKeys:
    """Draw the station's own key if it has none, and store the community's two next to it.

    InputError when the folder cannot be written.
    """
    try:
        make_private_folder(state_dir)
        if not (state_dir / STATION_KEY).exists():
            _write(state_dir / STATION_KEY, secrets.token_bytes(KEY_BYTES))
        _write(state_dir / CARD_KEY, card_key)
        _write(state_dir / LEDGER_KEY, ledger_key.public_bytes_raw())
    except OSError as error:
        what = f"no keys can be kept in {state_dir} ({error.strerror or error})"
        raise InputError(what, mend_of(error, state_dir)) from None
    return load_keys(state_dir)


def read_key(path: Path, *, brought: bool = False) -> bytes:
    """Read a key file; InputError if it is missing, open to others, or not a key.

    A `brought` key may be open to others: the file system of a USB stick often has no permissions.
    """
    try:
        if not brought:
            refuse_special(path)
            refuse_shared(path)
        value = bytes.fromhex(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise MissingKeyError(
            f"no key file {path}",
            "enrol the station: sudo tongzhan station enrol CODE --config F",
        ) from None
    except OSError as error:
        raise unreadable(path, error) from None
    except ValueError as error:
        raise InputError(
            f"{path} is no key file ({error})", "restore it, or init the station again"
        ) from None
    if len(value) != KEY_BYTES:
        raise InputError(f"{path} holds {len(value)} bytes, a key has {KEY_BYTES}", "restore it")
    return value


def _write(path: Path, value: bytes) -> None:
    write_atomic(path, value.hex().encode() + b"\n", private=True, durable=True)
    hand_over(path)
