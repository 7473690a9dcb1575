"""The paths at which a station fetches what is published."""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from cloud_sync.ledger.api.errors import ApiError, failures
from cloud_sync.ledger.api.stations import AskingStation, StationAuth
from cloud_sync.ledger.downlink.documents import Documents, OlderLedgerError
from cloud_sync.ledger.keys import read_signing_key
from cloud_sync.wire.publication import CURRENT, PublishedKind, currency

router = Router(auth=StationAuth(), tags=["stations"])


@router.get(
    "/published/{kind}",
    summary="Roster or rules of the station's community",
    openapi_extra={
        "responses": {
            HTTPStatus.NOT_MODIFIED: {"description": "the station has this version"},
            **failures(HTTPStatus.UNAUTHORIZED, HTTPStatus.CONFLICT)["responses"],
        }
    },
)
def published(
    request: HttpRequest, kind: PublishedKind, have: Annotated[int, Field(ge=0, le=2**53)] = 0
) -> HttpResponse:
    """Answer with what brings a station that has version `have` up to date; docs/protocol.md has the form."""
    asking: AskingStation = request.auth  # type: ignore[attr-defined]  # ninja sets what StationAuth returns
    community = asking.station.community
    try:
        found = _documents().document(community, kind, have)
    except OlderLedgerError as error:
        raise ApiError(HTTPStatus.CONFLICT, error.what, error.mend) from None
    current = currency(_key(), (community.slug, str(kind), found.version), asking.nonce)
    status = HTTPStatus.NOT_MODIFIED if found.signed is None else HTTPStatus.OK
    answer = HttpResponse(found.signed or b"", status=status, content_type="application/octet-stream")
    answer.headers[CURRENT] = current
    return answer


@lru_cache(maxsize=1)
def _documents() -> Documents:
    return Documents(_key())


@lru_cache(maxsize=1)
def _key() -> Ed25519PrivateKey:
    return read_signing_key(settings.LEDGER.state_dir)
