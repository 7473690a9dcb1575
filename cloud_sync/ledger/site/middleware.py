"""Middleware: privacy headers, the reader's language, the nonce for a station's next request."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

from cloud_sync.wire.api import NONCE

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


def hand_on(get_response: Handler) -> Handler:
    """Put the nonce for a station's next request on the answer, whether or not it failed."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if (nonce := getattr(request, "next_nonce", None)) is not None:
            response.headers[NONCE] = nonce
        return response

    return respond


def speak(get_response: Handler) -> Handler:
    """Answer in the language of `?lang=`, else of the cookie that remembers it, else of the browser."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        chosen = _chosen(request)
        asked = chosen or _asked(request)
        request.language_is_open = asked is None  # type: ignore[attr-defined]  # then a page may know better
        with translation.override(asked or settings.LANGUAGE_CODE):
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


def language_for(request: HttpRequest, language: str) -> AbstractContextManager[None]:
    """Answer in this language, `zh` or `en`, a reader whose browser asks for none that there is."""
    if not getattr(request, "language_is_open", False):
        return nullcontext()
    return translation.override(translation.get_supported_language_variant(language))


def _asked(request: HttpRequest) -> str | None:
    """The language of the cookie, else the first of the browser's that there is; None for neither."""
    with suppress(LookupError):
        return translation.get_supported_language_variant(
            request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        )
    for language, _ in parse_accept_lang_header(request.META.get("HTTP_ACCEPT_LANGUAGE", "")):
        with suppress(LookupError):
            return translation.get_supported_language_variant(language)
    return None


def _chosen(request: HttpRequest) -> str | None:
    try:
        return translation.get_supported_language_variant(request.GET.get("lang", ""))
    except LookupError:
        return None
