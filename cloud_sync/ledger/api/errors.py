"""What the API answers to a request that fails: one line of JSON, `{"error": …, "mend": …}`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, AuthorizationError, HttpError, Throttled, ValidationError

from cloud_sync.wire.api import MAX_BODY_BYTES
from config.errors import InputError

log = logging.getLogger(__name__)

AWAY_S = 60
"""When a client may ask again while the database is away."""
_MENDS = {
    HTTPStatus.UNAUTHORIZED: "sign the request with the key that this ledger knows",
    HTTPStatus.FORBIDDEN: "ask an administrator of the ledger for the right",
    HTTPStatus.NOT_FOUND: "see the paths in /api/v1/openapi.json",
}


class ApiError(Exception):
    """A request that is refused, and why; it goes into the log unless `is_usual`."""

    is_usual = False

    def __init__(
        self, status: HTTPStatus, error: str, mend: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status, self.error, self.mend, self.headers = status, error, mend, headers or {}
        super().__init__(error)


def refusal(
    status: HTTPStatus, error: str, mend: str, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return the answer to a request that failed."""
    return JsonResponse(
        {"error": error, "mend": mend},
        status=status,
        headers=dict(headers or {}),
        json_dumps_params={"ensure_ascii": False},
    )


def _refused(_request: HttpRequest, error: ApiError) -> HttpResponse:
    answer = refusal(error.status, error.error, error.mend, error.headers)
    return _unlogged(answer) if error.is_usual else answer


def _unlogged(answer: HttpResponse) -> HttpResponse:
    """Keep Django from logging an answer as a failure."""
    answer._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 (Django has no other way)
    return answer


def _bad_input(_request: HttpRequest, error: InputError) -> HttpResponse:
    return refusal(HTTPStatus.UNPROCESSABLE_ENTITY, error.what, error.mend)


def _invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0] if error.errors else {"loc": (), "msg": "it cannot be read"}
    where = ".".join(str(part) for part in first["loc"][1:]) or "the request"
    return refusal(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"{where}: {first['msg']}",
        "see its values in /api/v1/openapi.json",
    )


_TEXT = {"type": "string"}
_FAILURE = {
    "type": "object",
    "properties": {"error": _TEXT, "mend": _TEXT},
    "required": ["error", "mend"],
}
_OF_ANY = (
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


def failures(*statuses: HTTPStatus) -> dict[str, Any]:
    """Return a route's `openapi_extra` that names these failures and those that any route may have."""
    content = {"application/json": {"schema": _FAILURE}}
    named = (*statuses, *_OF_ANY)
    return {"responses": {status: {"description": status.phrase, "content": content} for status in named}}


def not_found() -> HttpResponse:
    """Return the answer to a request for what is not there, or not the caller's."""
    return refusal(HTTPStatus.NOT_FOUND, "there is no such thing here", _MENDS[HTTPStatus.NOT_FOUND])


def _missing(_request: HttpRequest, _error: Http404) -> HttpResponse:
    return not_found()


def _throttled(_request: HttpRequest, error: Throttled) -> HttpResponse:
    wait_s = max(1, round(error.wait or 1))
    return refusal(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too many requests",
        f"ask again in {wait_s} s",
        {"Retry-After": str(wait_s)},
    )


def _http(_request: HttpRequest, error: HttpError) -> HttpResponse:
    status = HTTPStatus(error.status_code)
    return refusal(status, error.message, _MENDS.get(status, "see /api/v1/openapi.json"))


def _too_big(_request: HttpRequest, _error: RequestDataTooBig) -> HttpResponse:
    what = f"the body is longer than {MAX_BODY_BYTES} bytes"
    return refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, what, "send it in parts")


def _database_away(_request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("the database cannot be used: %s", (str(error).splitlines() or [type(error).__name__])[0])
    return _unlogged(
        refusal(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "the ledger's database is away",
            f"ask again in {AWAY_S} s",
            {"Retry-After": str(AWAY_S)},
        )
    )


def _broken(_request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("a request of the API failed", exc_info=error)
    return refusal(
        HTTPStatus.INTERNAL_SERVER_ERROR, "the ledger failed", "its log says why: tell its administrator"
    )


def handle_errors(api: NinjaAPI) -> None:
    """Have every error of this API answered by `refusal`."""
    handlers = (
        (Exception, _broken),
        (ApiError, _refused),
        (InputError, _bad_input),
        (ValidationError, _invalid),
        (Http404, _missing),
        (HttpError, _http),
        (AuthenticationError, _http),
        (AuthorizationError, _http),
        (Throttled, _throttled),
        (RequestDataTooBig, _too_big),
        (OperationalError, _database_away),
        (InterfaceError, _database_away),
    )
    for kind, handler in handlers:
        api.add_exception_handler(kind, handler)  # type: ignore[arg-type]  # each takes its own kind
