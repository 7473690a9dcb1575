"""Answer requests while the database is away: a short page, and one line in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from config.process.threads import Complaints

log = logging.getLogger(__name__)

BAD = 400
AGAIN_S = 60
"""When a browser or a proxy may ask again."""


class StandBy:
    """Answers 503 for a page whose database cannot be reached, and logs each new cause once."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._complaints = Complaints(log)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer as usual."""
        response = self._get_response(request)
        if response.status_code < BAD:
            self._complaints.over()
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the 503 page if the database is away; None for any other exception."""
        if not isinstance(error, OperationalError | InterfaceError):
            return None
        said = (str(error).splitlines() or [type(error).__name__])[0]
        if self._complaints.is_new(said):
            log.error("the database cannot be used (%s); pages show this until it can", said)
        response = render(request, "503.html", status=503)
        response.headers["Retry-After"] = str(AGAIN_S)
        response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 (Django would log each)
        return response
