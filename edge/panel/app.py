"""The panel's web application: page, stream of updates, picture, installer's page. Read-only."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.sorting import Sorting
from config.station import Language
from config.words import Words
from edge.panel.folder import RuntimeFolder
from edge.panel.names import LOOPBACK, OwnNames
from edge.panel.pages import STATIC, Pages
from edge.panel.sse import Events
from edge.panel.texts import load_texts
from edge.panel.vocabulary import Vocabulary

LANGUAGE = "lang"
"""Name of the query parameter, and of the cookie that remembers it."""
REMEMBER_S = 365 * 24 * 3600

POLICY = "default-src 'self'; base-uri 'none'; frame-ancestors "
HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def create_app(  # noqa: PLR0913 (what one panel differs in from another)
    runtime_dir: Path,
    words: Words,
    sorting: Sorting,
    default_language: Language,
    *,
    names: Collection[str] = LOOPBACK,
    framed_by: Collection[str] = (),
    now: Callable[[], float] = time.time,
) -> Starlette:
    """Make the application that shows a station's files in `runtime_dir`, which may appear later.

    It answers requests for `names` and for the address that was connected to. Pages of the origins in
    `framed_by` may show it in a frame. `now` returns Unix time.
    InputError if `words` or `sorting` lack what the screen needs.
    """
    folder = RuntimeFolder(runtime_dir, now, time.monotonic)
    pages = Pages(Vocabulary(words, sorting, load_texts()))
    panel = _Panel(folder, pages, default_language)
    app = Starlette(
        routes=[
            Route("/", panel.page),
            Route("/faults", panel.faults),
            Route("/events", panel.events, methods=["GET"]),
            Route("/picture.jpg", panel.picture),
            Route("/colours.css", panel.colours),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[
            Middleware(_Guarded, ancestors=" ".join(framed_by) or "'none'"),
            Middleware(OwnNames, names=names),
        ],
    )
    app.state.events = panel.events
    return app


def end_streams(app: Starlette) -> None:
    """End every stream of updates, so that the server can stop."""
    events: Events = app.state.events
    events.close()


class _Panel:
    """The handlers of all routes."""

    def __init__(self, folder: RuntimeFolder, pages: Pages, default_language: Language) -> None:
        self._folder = folder
        self._pages = pages
        self._default = default_language
        self.events = Events(self._screen, self._language, pages.build)

    async def page(self, request: Request) -> Response:
        """Answer with the screen; `?lang=` chooses a language and remembers it."""
        language = self._language(request)
        return _remember(request, language, self._pages.page(self._folder.scene(), language))

    async def faults(self, request: Request) -> Response:
        """Answer with the installer's page."""
        language = self._language(request)
        return _remember(request, language, self._pages.faults(self._folder.scene(), language))

    async def picture(self, request: Request) -> Response:
        """Answer with the picture on the screen, if there is one; browsers must not cache it."""
        del request
        jpeg = self._folder.picture()
        if jpeg is None:
            return PlainTextResponse("no picture\n", status_code=404)
        return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    async def colours(self, request: Request) -> Response:
        """Answer with the stylesheet of the city's colours."""
        del request
        return Response(self._pages.colours, media_type="text/css")

    def _screen(self, language: Language) -> str:
        return self._pages.screen(self._folder.scene(), language)

    def _language(self, request: Request) -> Language:
        asked = _asked_language(request) or request.cookies.get(LANGUAGE)
        return Language(asked) if asked in set(Language) else self._default


def _asked_language(request: Request) -> str | None:
    asked = request.query_params.get(LANGUAGE)
    return asked if asked in set(Language) else None


def _remember(request: Request, language: Language, html: str) -> Response:
    response = HTMLResponse(html, headers={"Cache-Control": "no-store"})
    if _asked_language(request):
        response.set_cookie(LANGUAGE, language.value, max_age=REMEMBER_S, httponly=True, samesite="lax")
    return response


class _Guarded:
    """Adds the security headers to every answer, streams included."""

    def __init__(self, app: ASGIApp, ancestors: str) -> None:
        self._app = app
        self._headers = {"Content-Security-Policy": POLICY + ancestors, **HEADERS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, guarded)
