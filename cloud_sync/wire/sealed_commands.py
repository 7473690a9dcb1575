"""Signs and opens what travels on `commands` and `answers`, as `envelope` does with batches. Pure.

Apart from `commands.py`, so that processes that only read such values load no cryptography.
"""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec.json import Decoder

from cloud_sync.wire.commands import Answer, Pulse, RemoteCommand
from cloud_sync.wire.envelope import open_record, seal_record

_COMMAND = Decoder(RemoteCommand)
_FROM_STATION: Decoder[Answer | Pulse] = Decoder(Answer | Pulse)


def seal(key: Ed25519PrivateKey, record: RemoteCommand | Answer | Pulse) -> bytes:
    """Return a signed record, ready to publish."""
    return seal_record(key, record)


def open_command(message: bytes, keys: Mapping[str, Ed25519PublicKey]) -> RemoteCommand:
    """Check a message's signature and return its command; EnvelopeError says what is wrong."""
    return open_record(message, keys, _COMMAND)


def open_answer(message: bytes, keys: Mapping[str, Ed25519PublicKey]) -> Answer | Pulse:
    """Check a message's signature and return the answer or pulse; EnvelopeError says what is wrong."""
    return open_record(message, keys, _FROM_STATION)
