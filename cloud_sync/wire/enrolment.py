r"""How a station and its ledger trade keys, once, by the secret of an enrolment code.

Both messages are a line of header, a newline, and a body of JSON that the signature covers.

- The **request** has the station's new Ed25519 key and an X25519 key for this one exchange. It proves the
  secret by an HMAC over the body without sending it, and the Ed25519 key by a signature. The same keys make
  the same request, byte for byte, so that it can be sent again when an answer was lost.
- The **answer** is signed by the ledger's key, which the code names, and names the request that it answers.
  What it gives is sealed to the station's X25519 key: HKDF-SHA-256 and ChaCha20-Poly1305.

So who may lie, and what that gains: somebody between the two can withhold messages, and nothing else. A
false server has not the key that the code names. A reader of both messages learns public keys only; the
station deletes the X25519 key afterwards, so that not even its card opens a recorded answer. TLS adds nothing
to this, which matters for a board whose clock is wrong.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Meta

from cloud_sync.wire.enrolment_code import NUMBER_BYTES, EnrolmentCode, ledger_name
from config.wiring import Slug

Record = TypeVar("Record", bound=msgspec.Struct)

VERSION = 1
PATH = "/api/v1/enrol"
MAX_REQUEST_BYTES = 2048
MAX_ANSWER_BYTES = 64 * 1024
_REQUEST, _ANSWER, _SEAL = (
    b"tongzhan enrolment request 1\n",
    b"tongzhan enrolment answer 1\n",
    b"tongzhan seal 1\n",
)
_PROOF = b"tongzhan enrolment proof 1\n"
_ONCE = bytes(12)
"""The nonce: each key of a seal is used once."""

Hex32 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Hex64 = Annotated[str, Meta(pattern=r"^[0-9a-f]{128}\Z")]
Number = Annotated[str, Meta(pattern=rf"^[0-9a-f]{{{2 * NUMBER_BYTES}}}\Z")]


class EnrolmentError(Exception):
    """The message must not be believed; the text says why."""


class WrongLedgerError(EnrolmentError):
    """The answer is not by the ledger that the code names."""


class RequestBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a station asks with."""

    v: int = VERSION
    number: Number
    """The invitation's."""
    key: Hex32
    """The station's public Ed25519 key."""
    seal: Hex32
    """Its public X25519 key of this exchange."""
    community: Annotated[str, Meta(max_length=32)] = ""
    """The community that the station takes itself for; empty if it was never told."""
    station: Annotated[str, Meta(max_length=32)] = ""


class RequestHeader(msgspec.Struct, frozen=True):
    """What proves a request."""

    proof: Hex32
    """HMAC-SHA-256 by `proof_key` over the body."""
    sig: Hex64
    """The station's signature over the body."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a ledger gives a station: all it needs beside its own wiring."""

    community: Slug
    station: Slug
    name_zh: str = ""
    name_en: str = ""
    community_zh: str = ""
    community_en: str = ""
    timezone: str
    language: str
    card_key: Hex32
    ledger_key: Hex32
    url: str
    """The beginning of the ledger's addresses, without a slash at the end."""
    url_ca: str = ""
    """The authority of the ledger's own certificate, PEM; empty: one that every computer knows."""
    host: str
    """The broker's, as stations reach it."""
    port: int
    username: str = ""
    password: str = ""
    ca: str = ""
    """The authority of the broker's certificate, PEM; empty: no TLS."""

    def __repr__(self) -> str:
        """Show no secret: it must not reach a log."""
        return f"Given({self.community}/{self.station}, …)"


class AnswerBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a ledger answers."""

    v: int = VERSION
    request: Hex32
    """SHA-256 of the whole request."""
    ledger: Hex32
    """The ledger's public Ed25519 key."""
    seal: Hex32
    """Its public X25519 key of this exchange."""
    box: bytes
    """`Given` as JSON, sealed."""


class AnswerHeader(msgspec.Struct, frozen=True):
    """What proves an answer: the ledger's signature over the body."""

    sig: Hex64


class Request(msgspec.Struct, frozen=True):
    """A request that its own key has signed. Whether it knows the secret is `proves`' to say."""

    body: RequestBody
    digest: str
    """Names it in the answer."""
    proof: str
    proved: bytes
    """What `proof` covers."""

    def proves(self, key: bytes) -> bool:
        """Return whether the sender knew the secret that this `proof_key` is made of."""
        made = hmac.digest(key, _PROOF + self.proved, "sha256").hex()
        return hmac.compare_digest(made, self.proof)


def proof_key(secret: bytes) -> bytes:
    """Return the 32 bytes that check proofs of a code's secret, and do not tell it."""
    return hashlib.sha256(_PROOF + secret).digest()


def make_request(
    code: EnrolmentCode, key: Ed25519PrivateKey, seal: X25519PrivateKey, community: str, station: str
) -> bytes:
    """Return the request of a station, ready to send."""
    body = msgspec.json.encode(
        RequestBody(
            number=code.number.hex(),
            key=key.public_key().public_bytes_raw().hex(),
            seal=seal.public_key().public_bytes_raw().hex(),
            community=community,
            station=station,
        )
    )
    proof = hmac.digest(proof_key(code.secret), _PROOF + body, "sha256").hex()
    return _framed(RequestHeader(proof, key.sign(_REQUEST + body).hex()), body)


def open_request(message: bytes) -> Request:
    """Check a request's form and its own signature; EnrolmentError says what is wrong."""
    header, body = _unframed(message, MAX_REQUEST_BYTES, RequestHeader)
    said = _decoded(body, RequestBody)
    if said.v != VERSION:
        raise EnrolmentError(f"version {said.v}, only {VERSION} is known")
    _verify(bytes.fromhex(said.key), header.sig, _REQUEST + body)
    return Request(said, hashlib.sha256(message).hexdigest(), header.proof, body)


def make_answer(key: Ed25519PrivateKey, request: Request, given: Given, once: X25519PrivateKey) -> bytes:
    """Return the ledger's answer, ready to send, sealed by a key that was drawn for it.

    EnrolmentError if the station's X25519 key is none.
    """
    public, box = seal_to(
        bytes.fromhex(request.body.seal), msgspec.json.encode(given), request.digest.encode(), once
    )
    own = key.public_key().public_bytes_raw().hex()
    body = msgspec.json.encode(AnswerBody(request=request.digest, ledger=own, seal=public.hex(), box=box))
    return _framed(AnswerHeader(key.sign(_ANSWER + body).hex()), body)


def open_answer(message: bytes, code: EnrolmentCode, request: bytes, seal: X25519PrivateKey) -> Given:
    """Return what the ledger gives, if the ledger that the code names answered this request.

    WrongLedgerError if another key signed it, EnrolmentError for anything else that is wrong.
    """
    header, body = _unframed(message, MAX_ANSWER_BYTES, AnswerHeader)
    said = _decoded(body, AnswerBody)
    ledger = bytes.fromhex(said.ledger)
    if ledger_name(ledger) != code.ledger:
        raise WrongLedgerError(f"the server at {code.place} has not the key that the code names")
    _verify(ledger, header.sig, _ANSWER + body)
    digest = hashlib.sha256(request).hexdigest()
    if said.v != VERSION or said.request != digest:
        raise EnrolmentError("the answer is to another request")
    given = _decoded(unseal(seal, bytes.fromhex(said.seal), said.box, digest.encode()), Given)
    if given.ledger_key != said.ledger:
        raise EnrolmentError("the answer names another ledger's key")
    return given


def seal_to(public: bytes, plain: bytes, bound_to: bytes, once: X25519PrivateKey) -> tuple[bytes, bytes]:
    """Seal bytes to an X25519 key; return the public key of this one seal, and the box.

    `bound_to` must be given again to open it; `once` was drawn for this seal alone. EnrolmentError if
    `public` is no key.
    """
    try:
        shared = once.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:  # a point of small order, which would make the shared secret known to all
        raise EnrolmentError("the sender's X25519 key is none") from None
    own = once.public_key().public_bytes_raw()
    return own, ChaCha20Poly1305(_seal_key(shared, own, public)).encrypt(_ONCE, plain, bound_to)


def unseal(key: X25519PrivateKey, public: bytes, box: bytes, bound_to: bytes) -> bytes:
    """Open what `seal_to` sealed; EnrolmentError if it is damaged or sealed to another key."""
    try:
        shared = key.exchange(X25519PublicKey.from_public_bytes(public))
        own = key.public_key().public_bytes_raw()
        return ChaCha20Poly1305(_seal_key(shared, public, own)).decrypt(_ONCE, box, bound_to)
    except (InvalidTag, ValueError):
        raise EnrolmentError("the seal does not open") from None


def _seal_key(shared: bytes, sender: bytes, receiver: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=_SEAL + sender + receiver).derive(shared)


def _framed(header: msgspec.Struct, body: bytes) -> bytes:
    return msgspec.json.encode(header) + b"\n" + body


def _unframed(message: bytes, most: int, header: type[Record]) -> tuple[Record, bytes]:
    line, newline, body = message[: most + 1].partition(b"\n")
    if len(message) > most or not newline:
        raise EnrolmentError(f"{len(message)} bytes without a header, or more than {most}")
    return _decoded(line, header), body


def _decoded(data: bytes, record: type[Record]) -> Record:
    try:
        return msgspec.json.decode(data, type=record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:  # msgspec wraps not all
        raise EnrolmentError(f"cannot be read: {error}") from None


def _verify(public: bytes, signature: str, signed: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(bytes.fromhex(signature), signed)
    except (InvalidSignature, ValueError):
        raise EnrolmentError("the signature does not fit") from None
