r"""A signed batch: one line of header, then JSON that any MQTT tool can read.

    {"v":1,"key":"<key id>","sig":"<base64>"}\n
    {"community":"…","station":"…","events":[…],"lost":[["<epoch>",first,last],…]}

`lost` is left out when there is none; an end that does not know it reads the rest as before. The
Ed25519 signature covers every byte after the first newline. The same frame carries receipts down,
signed by the ledger. Limits: 100 events, of 16 epochs, and 16 KiB of body.
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

from cloud_sync.wire.facts import EpochName, Event, SequenceNumber

Record = TypeVar("Record", bound=msgspec.Struct)
Stated = TypeVar("Stated")

VERSION = 1
MAX_EVENTS = 100
MAX_BODY_BYTES = 16 * 1024
MAX_HEADER_BYTES = 512
MAX_BATCH_EPOCHS = 16
"""A batch carries events of so many epochs at most, so that a receipt always has room for all of them."""
MAX_RECEIPT_EPOCHS = 64
"""A receipt with fewer epochs names every one that the ledger took events of in the last 30 days."""
MAX_RETIRED = 16
_LOST_BYTES = 64
"""One entry of `lost` as JSON, at most."""


class EnvelopeError(Exception):
    """A message that must not be believed; `reason` is one word for counters and alarms."""

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

    Its journal was damaged, or the ledger came back from a backup older than what stations keep. A
    receipt's `through` may pass over them, for else it would stand still for ever, and the ledger says
    so to a person. The batch that states a loss carries an event of the same epoch behind it.
    """

    epoch: EpochName
    first: SequenceNumber
    last: SequenceNumber


class Batch(msgspec.Struct, frozen=True, omit_defaults=True):
    """Events of one station, each still as the bytes that the station wrote."""

    community: str
    station: str
    events: list[msgspec.Raw]
    lost: Annotated[tuple[Lost, ...], Meta(max_length=MAX_BATCH_EPOCHS)] = ()


class Signed(msgspec.Struct, frozen=True):
    """What shows later who signed a batch: the key's id, the signature, and the bytes it covers."""

    key: str
    signature: bytes
    body: bytes


class EventId(msgspec.Struct, frozen=True):
    """The part of an event that names it, read even where the rest cannot be."""

    epoch: str
    sequence: int


class EpochReceipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """Every event of `epoch` up to `through` is durably applied or durably set aside.

    `refused` lists [sequence, reason] of those set aside.
    """

    epoch: EpochName
    through: Annotated[int, Meta(ge=0, le=2**53)]
    refused: Annotated[tuple[tuple[int, str], ...], Meta(max_length=2000)] = ()


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the ledger holds of one station: an entry for each epoch, newest first, MAX_RECEIPT_EPOCHS.

    `retired` names keys of this station that the ledger no longer believes: what such a key signed
    earned nothing, and a station whose key it is keeps its events and stops sending.
    """

    community: str
    station: str
    epochs: Annotated[tuple[EpochReceipt, ...], Meta(max_length=MAX_RECEIPT_EPOCHS)]
    retired: Annotated[tuple[str, ...], Meta(max_length=MAX_RETIRED)] = ()


_HEADER, _BATCH, _RECEIPT = Decoder(Header), Decoder(Batch), Decoder(Receipt)
_EVENT, _EVENT_ID = Decoder(Event), Decoder(EventId)
_EVENTS = Decoder(list[Event])


def key_id(public_key: Ed25519PublicKey) -> str:
    """A key's name: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def encode_event(event: Event) -> bytes:
    """An event's bytes as the station keeps and sends them, for ever the same."""
    return msgspec.json.encode(event)


def decode_event(raw: bytes) -> Event:
    """An event from its bytes; msgspec.DecodeError when it is malformed or of an unknown kind."""
    event = _parse(raw, _EVENT)
    # What a newer station says beside it may have any letters; of what is known, only names could.
    if not _is_plain(raw) and not _is_plain(encode_event(event)):
        raise msgspec.DecodeError("a name has letters that are not plain ASCII")
    return event


def decode_events(raws: Sequence[bytes]) -> list[Event]:
    """Many events, each from the bytes of one JSON value; msgspec.DecodeError if one needs a closer look."""
    together = b"[" + b",".join(raws) + b"]"
    events = _parse(together, _EVENTS)
    if not _is_plain(together):
        raise msgspec.DecodeError("one of them has letters that are not plain ASCII")
    return events


def _is_plain(json: bytes) -> bool:
    """Whether all strings are ASCII that JSON leaves as it is."""
    return json.isascii() and b"\\" not in json


def decode_event_id(raw: bytes) -> EventId:
    """Only an event's identity; msgspec.DecodeError when even that cannot be read."""
    return _parse(raw, _EVENT_ID)


def take_batch(events: Iterable[bytes], limit: int = MAX_EVENTS, lost: int = 0) -> list[bytes]:
    """The longest prefix that fits one batch: at most `limit` events and MAX_BODY_BYTES; at least one.

    `lost` is how many losses the batch is to state.
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
    """A signed batch of events, ready to publish."""
    return _seal(key, Batch(community, station, [msgspec.Raw(event) for event in events], lost))


def seal_receipt(key: Ed25519PrivateKey, receipt: Receipt) -> bytes:
    """A signed receipt, ready to publish."""
    return _seal(key, receipt)


def open_batch(message: bytes, keys: Mapping[str, Ed25519PublicKey]) -> Batch:
    """The batch inside a message, its signature checked; EnvelopeError names why not."""
    return open_signed(message, keys)[0]


def open_signed(message: bytes, keys: Mapping[str, Ed25519PublicKey]) -> tuple[Batch, Signed]:
    """The batch inside a message, and what shows that it was signed; EnvelopeError names why not."""
    signed = _verified(message, keys)
    batch = read_batch(signed.body)
    if len(batch.events) > MAX_EVENTS:
        raise EnvelopeError("too_many", f"{len(batch.events)} events, at most {MAX_EVENTS}")
    return batch, signed


def read_batch(body: bytes) -> Batch:
    """The batch that signed bytes hold; EnvelopeError if they hold none."""
    return _decode(body, _BATCH)


def batch_body(community: str, station: str, events: Iterable[bytes], lost: tuple[Lost, ...] = ()) -> bytes:
    """The bytes of a batch, as `seal_batch` signs them."""
    return msgspec.json.encode(Batch(community, station, [msgspec.Raw(event) for event in events], lost))


def is_signed(body: bytes, signature: bytes, public: bytes) -> bool:
    """Whether the holder of this Ed25519 key, given as its 32 bytes, signed the body."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, body)
    except (InvalidSignature, ValueError):  # ValueError: these bytes are no key
        return False
    return True


def open_receipt(message: bytes, keys: Mapping[str, Ed25519PublicKey]) -> Receipt:
    """The receipt inside a message, its signature checked; EnvelopeError names why not."""
    return _decode(_verified(message, keys).body, _RECEIPT)


def _seal(key: Ed25519PrivateKey, record: msgspec.Struct) -> bytes:
    body = msgspec.json.encode(record)
    signature = base64.b64encode(key.sign(body)).decode()
    header = Header(VERSION, key_id(key.public_key()), signature)
    return msgspec.json.encode(header) + b"\n" + body


def _verified(message: bytes, keys: Mapping[str, Ed25519PublicKey]) -> Signed:
    # A single event may be larger than the limit a station packs to; the header adds its own part.
    if len(message) > MAX_HEADER_BYTES + 4 * MAX_BODY_BYTES:
        raise EnvelopeError("too_large", f"{len(message)} bytes")
    line, newline, body = message.partition(b"\n")
    if not newline or len(line) > MAX_HEADER_BYTES:
        raise EnvelopeError("no_header", "the first line is not a header")
    header = _decode(line, _HEADER)
    if header.v != VERSION:
        raise EnvelopeError("version", f"version {header.v}, this end speaks {VERSION}")
    if header.key not in keys:
        raise EnvelopeError("unknown_key", f"no key {header.key[:16]!r}")
    try:
        signature = base64.b64decode(header.sig, validate=True)
        keys[header.key].verify(signature, body)
    except (InvalidSignature, ValueError):  # ValueError: it is not base64
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
    except (UnicodeDecodeError, RecursionError) as error:  # msgspec lets these two through as they are
        raise msgspec.DecodeError(str(error)) from None
