"""The API's paths by which stations enrol."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from cloud_sync.ledger.api.errors import ApiError, failures
from cloud_sync.ledger.api.rates import CallerRate
from cloud_sync.ledger.api.stations import AskingStation, StationAuth
from cloud_sync.ledger.enrolment.redeeming import EnrolRefusal, RefusedError, redeem
from cloud_sync.ledger.enrolment.rotation import rotate
from cloud_sync.wire.enrolment import MAX_REQUEST_BYTES

BINARY = "application/octet-stream"
SEALED = {"type": "string", "format": "binary"}
RATE = "30/m"
"""Of one address. A station asks once or twice; a guesser is stopped by five wrong proofs anyway."""
_ANOTHER = (
    "make another code at the ledger: in the office, or by "
    "tongzhan ledger station invite STATION --community SLUG --by NAME --reason WHY --config F"
)
TOLD: dict[EnrolRefusal, tuple[HTTPStatus, str, str]] = {
    EnrolRefusal.UNREADABLE: (
        HTTPStatus.BAD_REQUEST,
        "the ledger cannot read the station's request",
        "see that station and ledger have the same version of Tongzhan",
    ),
    EnrolRefusal.UNKNOWN: (HTTPStatus.NOT_FOUND, "this ledger has never made that code", _ANOTHER),
    EnrolRefusal.EXPIRED: (HTTPStatus.GONE, "the code is older than 15 minutes", _ANOTHER),
    EnrolRefusal.USED: (
        HTTPStatus.CONFLICT,
        "the code has been used",
        f"if it was not this station that used it, tell an administrator; {_ANOTHER}",
    ),
    EnrolRefusal.TAKEN_BACK: (
        HTTPStatus.GONE,
        "the code was taken back, or a newer one was made for this station",
        "use the newest code, or make another one at the ledger",
    ),
    EnrolRefusal.ENDED: (HTTPStatus.GONE, "the code was tried wrongly five times and has ended", _ANOTHER),
    EnrolRefusal.WRONG: (HTTPStatus.FORBIDDEN, "the code is not the one that was made", _ANOTHER),
    EnrolRefusal.OTHER_STATION: (
        HTTPStatus.CONFLICT,
        "the code is for another station than the one that this station takes itself for",
        "make a code for this station, or remove its names from station.toml; the code is still good",
    ),
    EnrolRefusal.RETIRED: (
        HTTPStatus.CONFLICT,
        "the station of that code is retired",
        "make a code for a new name",
    ),
    EnrolRefusal.UNHEARD: (
        HTTPStatus.CONFLICT,
        "the station's last new key has not delivered anything yet",
        "see that tongzhan-sync runs, and try again after the next visit, or in a day",
    ),
    EnrolRefusal.KEY: (
        HTTPStatus.CONFLICT,
        "this station's new key cannot be used: another station has it, or it was retired",
        "run the command again with another code",
    ),
}
"""What a station is told, so that the person in front of it knows what to do."""

_STATUSES = {status for status, _, _ in TOLD.values()}

router = Router(tags=["enrolment"])


def _described(*failing: HTTPStatus) -> dict[str, Any]:
    """Return how the API's description states a body and an answer that are no JSON."""
    sealed = {BINARY: {"schema": SEALED}}
    return {
        "requestBody": {"content": sealed},
        "responses": {
            HTTPStatus.OK: {"description": "OK", "content": sealed},
            **failures(*failing)["responses"],
        },
    }


@router.post(
    "/enrol",
    auth=None,
    throttle=[CallerRate(RATE, "enrol")],
    openapi_extra=_described(*_STATUSES),
)
def enrol(request: HttpRequest) -> HttpResponse:
    """Enrol a station by a one-time code; docs/protocol.md has both messages."""
    if len(request.body) > MAX_REQUEST_BYTES:
        raise _refused(EnrolRefusal.UNREADABLE)
    try:
        answer = redeem(request.body, settings.LEDGER, timezone.now())
    except RefusedError as error:
        raise _refused(error.why) from None
    return HttpResponse(answer, content_type=BINARY)


def _refused(why: EnrolRefusal) -> ApiError:
    return ApiError(*TOLD[why])


@router.post(
    "/station/keys",
    auth=StationAuth(once=True),
    openapi_extra=_described(*_STATUSES, HTTPStatus.UNAUTHORIZED),
)
def change_keys(request: HttpRequest) -> HttpResponse:
    """Believe a station's new key, and give it a new login for the broker."""
    asking: AskingStation = request.auth  # type: ignore[attr-defined]  # ninja sets what StationAuth returns
    if len(request.body) > MAX_REQUEST_BYTES:
        raise _refused(EnrolRefusal.UNREADABLE)
    try:
        answer = rotate(asking.station, request.body, settings.LEDGER, timezone.now())
    except RefusedError as error:
        raise _refused(error.why) from None
    return HttpResponse(answer, content_type=BINARY)
