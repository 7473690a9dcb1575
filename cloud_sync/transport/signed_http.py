"""Sign HTTPS requests with a station's key, and check them (RFC 9421 HTTP Message Signatures).

The signature covers method, path, query and the body's digest, and carries the key's id and a nonce that the
ledger gave out: a station's clock may be wrong by years, so none of its times is used. The host is not
covered, because a TLS front may call the ledger by another name.

Who may lie: anybody between the two ends may repeat a request while its nonce is good, and cannot change it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)
from http_message_signatures.exceptions import HTTPMessageSignaturesException

from cloud_sync.wire.api import TAG
from cloud_sync.wire.envelope import key_id

COVERED = ("@method", "@path", "@query", "content-digest")
_ANY_HOST = "https://ledger"
"""Stands for the host, which the signature does not cover."""
_NO_TIME = datetime.fromtimestamp(0, UTC)
"""`created` of each signature: the library states one always, and a station may not know the time."""


class SignatureError(Exception):
    """The request is not what a holder of the key signed; the text says why in a few words."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Who signed a request, and the nonce in the signature."""

    key: str
    nonce: str


@dataclass(slots=True)
class _Request:
    """A request as the library reads and marks it."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


class _PublicKeys(HTTPSignatureKeyResolver):
    """Looks keys up; keeps what the look-up raised, in whose place the library raises its own error."""

    def __init__(self, key_of: Callable[[str], Ed25519PublicKey | None]) -> None:
        self._key_of = key_of
        self.raised: Exception | None = None

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        try:
            return self._key_of(key_id)
        except Exception as error:
            self.raised = error
            raise


def signed(
    key: Ed25519PrivateKey, method: str, target: str, body: bytes = b"", *, nonce: str
) -> dict[str, str]:
    """Return the headers that sign a request; `target` is its path, with its query if it has one."""
    request = _Request(method, _ANY_HOST + target)
    signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519)
    prepared = signer.prepare(
        request,
        key_id=key_id(key.public_key()),
        nonce=nonce,
        created=_NO_TIME,
        label="station",
        tag=TAG,
        covered_component_ids=COVERED[:-1],  # the library adds the body's digest
        body=body,
    )
    signer.apply(request, prepared, key.sign(prepared.signature_base))
    return request.headers


def proof_of(
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    key_of: Callable[[str], Ed25519PublicKey | None],
) -> Proof:
    """Return who signed this request; SignatureError if nobody did.

    `key_of` finds a key by its id; what it raises is raised.
    """
    keys = _PublicKeys(key_of)
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=keys)
    verifier.require_created = False
    try:
        (found,) = verifier.verify(
            _Request(method, _ANY_HOST + target, dict(headers)),
            max_age=None,
            expect_tag=TAG,
            require_components=COVERED,
            body=body,
        )
    except (HTTPMessageSignaturesException, ValueError) as error:
        if keys.raised is not None:
            raise keys.raised from None
        raise SignatureError(str(error) or "no signature") from None
    return Proof(str(found.parameters["keyid"]), found.nonce or "")
