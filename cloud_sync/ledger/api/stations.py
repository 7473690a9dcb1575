"""Who asks: the station whose key signed the request."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http import HTTPStatus

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import APIKeyHeader

from cloud_sync.ledger.api.errors import ApiError
from cloud_sync.ledger.api.nonces import is_good, new_nonce, spend
from cloud_sync.ledger.stations.models import Station, StationKey
from cloud_sync.transport.signed_http import Proof, SignatureError, proof_of
from cloud_sync.wire.api import NONCE

log = logging.getLogger(__name__)

_ADMIT = "admit it: tongzhan ledger station add SLUG --public-key HEX --community SLUG --config F"
_CHALLENGE = {"WWW-Authenticate": "Signature"}


@dataclass(frozen=True, slots=True)
class AskingStation:
    """The station that signed a request; `request.auth` of routes that StationAuth guards."""

    station: Station
    key: str
    nonce: str
    """Of this request; an answer that signs it is fresh."""

    @property
    def community(self) -> str:
        """The slug of its community."""
        return self.station.community.slug

    def __str__(self) -> str:
        """Return what its rate of requests is counted under."""
        return f"station {self.station.pk}"


class StationAuth(APIKeyHeader):
    """Lets in a station that is in service, by a key of it that counts and a nonce that is good.

    With `once` the nonce is used up: for requests that change something.
    """

    param_name = "Signature"
    openapi_description = "RFC 9421, Ed25519; docs/protocol.md has what it covers"

    def __init__(self, *, once: bool = False) -> None:
        super().__init__()
        self._once = once

    def authenticate(self, request: HttpRequest, key: str | None) -> AskingStation:
        """Return the station; ApiError says why it is not let in. Each answer carries the next nonce."""
        hand_nonce(request)
        if key is None:
            raise _stranger("the request is not signed", "sign it with the station's key")
        found: list[StationKey] = []
        proof = _proof(request, found)
        _refuse_stale(proof, once=self._once)
        return AskingStation(found[0].station, proof.key, proof.nonce)


def hand_nonce(request: HttpRequest) -> None:
    """Have the answer to this request carry a nonce for the next one."""
    request.next_nonce = new_nonce()  # type: ignore[attr-defined]  # `site.middleware.hand_on` reads it


def _proof(request: HttpRequest, found: list[StationKey]) -> Proof:
    """Return the proof of this request, and put the key that signed it into `found`."""

    def key_of(key_id: str) -> Ed25519PublicKey:
        stored = StationKey.objects.select_related("station__community").filter(key_id=key_id).first()
        if stored is None:
            raise _stranger(f"this ledger does not know the key {key_id[:16]}", _ADMIT)
        found.append(stored)
        return Ed25519PublicKey.from_public_bytes(bytes(stored.public))

    try:
        proof = proof_of(
            request.method or "", request.get_full_path(), dict(request.headers), request.body, key_of
        )
    except SignatureError as error:
        raise _stranger(f"the signature does not hold: {error}", "sign the request as it is sent") from None
    (key,) = found
    if key.retired_at is not None or not key.station.active:
        what = f"key {key}" if key.station.active else f"station {key.station}"
        raise _stranger(f"{what} is retired", _ADMIT)
    return proof


class StaleNonceError(ApiError):
    """A request without a good nonce: a station's first, or the first after a pause."""

    is_usual = True


def _refuse_stale(proof: Proof, *, once: bool) -> None:
    if not is_good(proof.nonce):
        raise StaleNonceError(
            HTTPStatus.UNAUTHORIZED,
            "the nonce is not, or no longer, good",
            f"sign again with the nonce in {NONCE}",
            _CHALLENGE,
        )
    if once and not spend(proof.nonce, timezone.now()):
        raise _stranger("the nonce was used before", f"sign again with the nonce in {NONCE}")


def _stranger(error: str, mend: str) -> ApiError:
    return ApiError(HTTPStatus.UNAUTHORIZED, error, mend, _CHALLENGE)
