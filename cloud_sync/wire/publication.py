r"""What the ledger publishes to the stations of a community, each kind with a version that only grows. Pure.

    {"v":1,"key":"<key id>","sig":"<base64>"}\n
    {"community":"…","kind":"roster","version":9,"base":8,"digest":"<sha256 of the whole>"}\n
    <content: the whole, or for a roster with a base its changes>

The frame is that of batches: the signature covers every byte after the first newline. So nobody between the
ledger's key and the station can forge, mix or shorten one: neither a thief of the TLS front nor the broker.
An old one can be shown again: a station takes none that is older than what it holds, and believes that it is
up to date only by a signature over the nonce of its own request (`currency`).
"""

from __future__ import annotations

import base64
from enum import StrEnum
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta

from cloud_sync.wire.envelope import EnvelopeError, key_id, open_frame, seal_frame
from cloud_sync.wire.roster import MOST_CARDS, RECORD_BYTES

MAX_BEHIND = 30
"""Versions behind within which a roster is brought up to date by its changes."""
MAX_STATEMENT_BYTES = 1024
MAX_BYTES = MOST_CARDS * RECORD_BYTES + 4 * MAX_STATEMENT_BYTES
"""Longest publication, with its header."""
CURRENT = "Tongzhan-Current"
"""Answer header: the ledger's signature that this version is the present one."""


class PublishedKind(StrEnum):
    """What is published; also the last part of its path."""

    ROSTER = "roster"
    """Cards, as `cloud_sync.wire.roster` packs them."""
    RULES = "rules"
    """The newest award rules, as JSON."""


Version = Annotated[int, Meta(ge=0, le=2**53)]
"""Grows with every change of its kind in its community; 0: none is held."""


class VersionStatement(msgspec.Struct, frozen=True):
    """What is published: `base` 0 for the whole, else the version whose changes follow."""

    community: str
    kind: str
    version: Version
    base: Version
    digest: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    """Hex SHA-256 of the whole content at `version`."""


class Publication(msgspec.Struct, frozen=True):
    """A statement that its signature fits, with its content."""

    statement: VersionStatement
    content: bytes


class VersionNotice(msgspec.Struct, frozen=True):
    """The retained message of a community: the version of each kind.

    It is not signed: it only makes stations ask, and whom it misleads asks every ten minutes anyway.
    """

    versions: dict[str, Version]


_STATEMENT = msgspec.json.Decoder(VersionStatement)


def seal(key: Ed25519PrivateKey, statement: VersionStatement, content: bytes) -> bytes:
    """Return a signed publication."""
    return seal_frame(key, msgspec.json.encode(statement) + b"\n" + content)


def open_publication(message: bytes, key: Ed25519PublicKey) -> Publication:
    """Check that this key signed a publication, and return it; EnvelopeError says what is wrong."""
    body = open_frame(message, {key_id(key): key}, MAX_BYTES).body
    line, newline, content = body.partition(b"\n")
    if not newline or len(line) > MAX_STATEMENT_BYTES:
        raise EnvelopeError("malformed", "no statement comes before the content")
    try:
        return Publication(_STATEMENT.decode(line), content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EnvelopeError("malformed", str(error)) from None


def currency(key: Ed25519PrivateKey, statement: tuple[str, str, int], nonce: str) -> str:
    """Return the signature that (community, kind, version) is present, for the request with this nonce."""
    return base64.b64encode(key.sign(_current(statement, nonce))).decode()


def is_current(key: Ed25519PublicKey, statement: tuple[str, str, int], nonce: str, given: str) -> bool:
    """Return whether the ledger signed that for this request."""
    try:
        key.verify(base64.b64decode(given, validate=True), _current(statement, nonce))
    except (InvalidSignature, ValueError):
        return False
    return True


def _current(statement: tuple[str, str, int], nonce: str) -> bytes:
    return msgspec.json.encode(["current", *statement, nonce])
