r"""A signed batch: one line of header, then JSON that any MQTT tool can read.

    {"v":1,"key":"<key id>","sig":"<base64>"}\n
    {"community":"…","station":"…","events":[…],"lost":[["<epoch>",first,last],…]}

`lost` is left out if there is none; a reader that does not know it ignores it. The Ed25519 signature covers
every byte after the first newline. Receipts come down in the same frame, signed by the ledger. Limits: 100
events, 16 epochs, 16 KiB of body.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Meta
from msgspec.json import Decoder

from cloud_sync.wire.facts import CommandFacts, EpochName, Event, SequenceNumber

Record = TypeVar("Record", bound=msgspec.Struct)
Stated = TypeVar("Stated")

VERSION = 1
MAX_EVENTS = 100
MAX_BODY_BYTES = 16 * 1024
MAX_HEADER_BYTES = 512
MAX_BATCH_EPOCHS = 16
"""Epochs in one batch at most, so that a receipt always has room for all of them."""
MAX_RECEIPT_EPOCHS = 64
"""A receipt with fewer epochs names every epoch that brought events in the last 30 days."""
MAX_RETIRED = 16
_LOST_BYTES = 64
"""Longest entry of `lost` as JSON."""


class EnvelopeError(Exception):
    """The message must not be believed; `reason` is one word for counters and alarms."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        super().__init__(f"{reason}: {detail}")


class Header(msgspec.Struct, frozen=True):
    """The first line: format version, the signing key's id, the signature in base64."""

    v: int
    key: str
    sig: str


class Lost(msgspec.Struct, frozen=True, array_like=True):
    """Sequences `first` to `last` of `epoch` that the station no longer has and will never send.

    Its journal was damaged, or the ledger was restored from a backup older than what stations keep. A
    receipt's `through` may pass over them, because otherwise it would never move again, and the ledger
    raises an alarm. A batch that states a loss also carries a later event of the same epoch.
    """

    epoch: EpochName
    first: SequenceNumber
    last: SequenceNumber


class Batch(msgspec.Struct, frozen=True, omit_defaults=True):
    """Events of one station, each as the bytes that the station wrote."""

    community: str
    station: str
    events: list[msgspec.Raw]
    lost: Annotated[tuple[Lost, ...], Meta(max_length=MAX_BATCH_EPOCHS)] = ()


class Signed(msgspec.Struct, frozen=True):
    """Proof of who signed a batch: the key's id, the signature, and the bytes it covers."""

    key: str
    signature: bytes
    body: bytes


class EventId(msgspec.Struct, frozen=True):
    """The part of an event that identifies it; readable even if the rest is not."""

    epoch: str
    sequence: int


class EpochReceipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """Every event of `epoch` up to `through` is durably applied or set aside.

    `refused` lists [sequence, reason] of those set aside, less what an officer has dismissed.
    """

    epoch: EpochName
    through: Annotated[int, Meta(ge=0, le=2**53)]
    refused: Annotated[tuple[tuple[int, str], ...], Meta(max_length=2000)] = ()


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the ledger holds of one station: an entry for each epoch, newest first, MAX_RECEIPT_EPOCHS.

    `retired` names keys of this station that the ledger no longer accepts: what such a key signs earns
    nothing. A station that still uses one keeps its events and stops sending.
    """

    community: str
    station: str
    epochs: Annotated[tuple[EpochReceipt, ...], Meta(max_length=MAX_RECEIPT_EPOCHS)]
    retired: Annotated[tuple[str, ...], Meta(max_length=MAX_RETIRED)] = ()


_HEADER, _BATCH, _RECEIPT = Decoder(Header), Decoder(Batch), Decoder(Receipt)
_EVENT, _EVENT_ID = Decoder(Event), Decoder(EventId)
_EVENTS = Decoder(list[Event])


def key_id(public_key: Ed25519PublicKey) -> str:
    """Return a key's id: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def encode_event(event: Event) -> bytes:
    """Return an event's bytes as the station stores and sends them; they never change."""
    return msgspec.json.encode(event)


def decode_event(raw: bytes) -> Event:
    """Read an event from its bytes; msgspec.DecodeError if it is malformed or of an unknown kind."""
    event = _parse(raw, _EVENT)
    # Unknown fields of a newer station may have any letters; among known fields, only names could.
    if not _is_plain(raw) and not _is_plain(encode_event(_without_words(event))):
        raise msgspec.DecodeError("a name has letters that are not plain ASCII")
    return event


def _without_words(event: Event) -> Event:
    """Return an event without what a person wrote in it."""
    if not isinstance(event.facts, CommandFacts):
        return event
    return msgspec.structs.replace(event, facts=msgspec.structs.replace(event.facts, issuer="", reason=""))


def decode_events(raws: Sequence[bytes]) -> list[Event]:
    """Read many events at once; msgspec.DecodeError if any must be decoded on its own."""
    together = b"[" + b",".join(raws) + b"]"
    events = _parse(together, _EVENTS)
    if not _is_plain(together):
        raise msgspec.DecodeError("an event has letters that are not plain ASCII")
    return events


def _is_plain(json: bytes) -> bool:
    """Return whether all strings are ASCII without JSON escapes."""
    return json.isascii() and b"\\" not in json


def decode_event_id(raw: bytes) -> EventId:
    """Read only an event's identity; msgspec.DecodeError if even that cannot be read."""
    return _parse(raw, _EVENT_ID)


def take_batch(events: Iterable[bytes], limit: int = MAX_EVENTS, lost: int = 0) -> list[bytes]:
    """Return the longest prefix that fits one batch: at most `limit` events and MAX_BODY_BYTES, at least one.

    `lost` is the number of losses that the batch will state.
    """
    taken: list[bytes] = []
    # Braces, two names of at most 32 letters with their keys, and the losses.
    room = MAX_BODY_BYTES - 160 - lost * _LOST_BYTES
    for event in events:
        room -= len(event) + 1
        if taken and (room < 0 or len(taken) == limit):
            break
        taken.append(event)
    return taken


def seal_batch(
    key: Ed25519PrivateKey,
    community: str,
    station: str,
    events: Iterable[bytes],
    lost: tuple[Lost, ...] = (),
) -> bytes:
    """Return a signed batch of events, ready to publish."""
    return seal_record(key, Batch(community, station, [msgspec.Raw(event) for event in events], lost))


def seal_receipt(key: Ed25519PrivateKey, receipt: Receipt) -> bytes:
    """Return a signed receipt, ready to publish."""
    return seal_record(key, receipt)


def open_batch(message: bytes, keys: Mapping[str, Ed25519PublicKey]) -> Batch:
    """Check a message's signature and return its batch; EnvelopeError says what is wrong."""
    return open_signed(message, keys)[0]


def open_signed(message: bytes, keys: Mapping[str, Ed25519PublicKey]) -> tuple[Batch, Signed]:
    """Check a message's signature and return its batch with the proof; EnvelopeError says what is wrong."""
    signed = _verified(message, keys)
    batch = read_batch(signed.body)
    if len(batch.events) > MAX_EVENTS:
        raise EnvelopeError("too_many", f"{len(batch.events)} events, at most {MAX_EVENTS}")
    return batch, signed


def read_batch(body: bytes) -> Batch:
    """Read the batch in signed bytes; EnvelopeError if there is none."""
    return _decode(body, _BATCH)


def batch_body(community: str, station: str, events: Iterable[bytes], lost: tuple[Lost, ...] = ()) -> bytes:
    """Return the bytes of a batch as `seal_batch` signs them."""
    return msgspec.json.encode(Batch(community, station, [msgspec.Raw(event) for event in events], lost))


def is_signed(body: bytes, signature: bytes, public: bytes) -> bool:
    """Return whether this Ed25519 key (32 bytes) signed the body."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, body)
    except (InvalidSignature, ValueError):  # ValueError: not a key
        return False
    return True


def open_receipt(message: bytes, keys: Mapping[str, Ed25519PublicKey]) -> Receipt:
    """Check a message's signature and return its receipt; EnvelopeError says what is wrong."""
    return open_record(message, keys, _RECEIPT)


def open_record(message: bytes, keys: Mapping[str, Ed25519PublicKey], decoder: Decoder[Record]) -> Record:
    """Check a message's signature and return its record; EnvelopeError says what is wrong."""
    return _decode(_verified(message, keys).body, decoder)


def seal_record(key: Ed25519PrivateKey, record: msgspec.Struct) -> bytes:
    """Return a signed record, ready to publish."""
    return seal_frame(key, msgspec.json.encode(record))


def seal_frame(key: Ed25519PrivateKey, body: bytes) -> bytes:
    """Return a body behind the header that signs it."""
    signature = base64.b64encode(key.sign(body)).decode()
    header = Header(VERSION, key_id(key.public_key()), signature)
    return msgspec.json.encode(header) + b"\n" + body


def _verified(message: bytes, keys: Mapping[str, Ed25519PublicKey]) -> Signed:
    # A single event may be larger than the limit that stations pack to; the header comes on top.
    return open_frame(message, keys, MAX_HEADER_BYTES + 4 * MAX_BODY_BYTES)


def open_frame(message: bytes, keys: Mapping[str, Ed25519PublicKey], most_bytes: int) -> Signed:
    """Check a message's signature and return its body with the proof; EnvelopeError says what is wrong."""
    if len(message) > most_bytes:
        raise EnvelopeError("too_large", f"{len(message)} bytes")
    line, newline, body = message.partition(b"\n")
    if not newline or len(line) > MAX_HEADER_BYTES:
        raise EnvelopeError("no_header", "the first line is not a header")
    header = _decode(line, _HEADER)
    if header.v != VERSION:
        raise EnvelopeError("version", f"version {header.v}, only {VERSION} is known")
    if header.key not in keys:
        raise EnvelopeError("unknown_key", f"no key {header.key[:16]!r}")
    try:
        signature = base64.b64decode(header.sig, validate=True)
        keys[header.key].verify(signature, body)
    except (InvalidSignature, ValueError):  # ValueError: not base64
        raise EnvelopeError("signature", "the signature does not fit the body") from None
    return Signed(header.key, signature, body)


def _decode(data: bytes, decoder: Decoder[Record]) -> Record:
    try:
        return _parse(data, decoder)
    except msgspec.DecodeError as error:
        raise EnvelopeError("malformed", str(error)) from None


def _parse(data: bytes, decoder: Decoder[Stated]) -> Stated:
    try:
        return decoder.decode(data)
    except (UnicodeDecodeError, RecursionError) as error:  # msgspec does not wrap these two
        raise msgspec.DecodeError(str(error)) from None
