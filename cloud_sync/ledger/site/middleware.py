"""Middleware for every page: privacy headers, and the reader's language."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation

Handler = Callable[[HttpRequest], HttpResponseBase]

# No foreign and no inline content: a statement holds names and habits.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Robots-Tag": "noindex, nofollow",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
YEAR_S = 365 * 24 * 3600


def guard(get_response: Handler) -> Handler:
    """Put the privacy headers on every response; only files that are the same for all may be cached."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        for name, value in HEADERS.items():
            response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return respond


def speak(get_response: Handler) -> Handler:
    """Answer in the language of `?lang=`, else of the cookie that remembers it, else of the browser."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        chosen = _chosen(request)
        with translation.override(chosen or translation.get_language_from_request(request)):
            response = get_response(request)
        if chosen:
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME,
                chosen,
                max_age=YEAR_S,
                secure=request.is_secure(),
                httponly=True,
                samesite="Lax",
            )
        return response

    return respond


def _chosen(request: HttpRequest) -> str | None:
    try:
        return translation.get_supported_language_variant(request.GET.get("lang", ""))
    except LookupError:
        return None
