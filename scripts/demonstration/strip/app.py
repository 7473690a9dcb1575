"""The demo's page: the strip, and the station's own screen in a frame below it.

The panel knows nothing of it but that this origin may frame it; it shows the same as at a real station.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.sorting import Category
from config.station import Language
from edge.panel.app import LANGUAGE
from edge.panel.names import LOOPBACK, OwnNames
from scripts.demonstration.folder import Ports
from scripts.demonstration.strip.state import Strip

HERE = Path(__file__).parent
PRESSED = "X-Tongzhan-Demo"
"""A header that only the strip's own script sends: another site's page cannot, without asking first."""


def create_app(strip: Strip, ports: Ports, sign_in: Callable[[], tuple[str, str]]) -> Starlette:
    """Make the application. `sign_in` gives name and value of a cookie that signs in at the office."""
    page = _Page(strip, ports, sign_in)
    return Starlette(
        routes=[
            Route("/", page.page),
            Route("/strip.json", page.strip),
            Route("/statement", page.statement),
            Route("/office", page.office),
            Route("/network", page.network, methods=["POST"]),
            Route("/ledger", page.ledger, methods=["POST"]),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        middleware=[Middleware(_Guarded, panel_port=ports.panel), Middleware(OwnNames, names=LOOPBACK)],
    )


class _Page:
    """The routes' answers."""

    def __init__(self, strip: Strip, ports: Ports, sign_in: Callable[[], tuple[str, str]]) -> None:
        self._strip, self._ports, self._sign_in = strip, ports, sign_in
        loader = FileSystemLoader(HERE / "templates")
        environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
        self._template = environment.get_template("page.html")

    async def page(self, request: Request) -> Response:
        """Answer with strip and panel in the language of `?lang=`, or the cookie's, or the browser's."""
        language = _language(request)
        other = Language.ENGLISH if language is Language.CHINESE else Language.CHINESE
        return HTMLResponse(
            self._template.render(
                tag="zh-CN" if language is Language.CHINESE else "en",
                language=language.value,
                other=other.value,
                other_tag="en" if language is Language.CHINESE else "zh-CN",
                text={
                    name: getattr(self._strip.texts, name).within(language)
                    for name in type(self._strip.texts).__struct_fields__
                },
                view=self._strip.view(language),
                categories=list(Category),
                panel=f"http://{request.url.hostname}:{self._ports.panel}/?lang={language.value}",
            )
        )

    async def strip(self, request: Request) -> Response:
        """Answer with the strip's present content."""
        view = msgspec.json.encode(self._strip.view(_language(request)))
        return Response(view, media_type="application/json")

    async def statement(self, request: Request) -> Response:
        """Redirect to the last resident's statement."""
        url = self._strip.statement_url(_language(request))
        if url is None:
            return PlainTextResponse("还没有人来。 Nobody has come yet.\n", status_code=404)
        return RedirectResponse(url, status_code=302)

    async def office(self, request: Request) -> Response:
        """Redirect to the office's page, signed in."""
        name, value = await run_in_threadpool(self._sign_in)
        host = request.url.hostname
        address = f"http://{host}:{self._ports.ledger}/office/?lang={_language(request).value}"
        answer = RedirectResponse(address, status_code=302)
        answer.set_cookie(name, value, httponly=True, samesite="lax")  # a browser's cookies have no port
        return answer

    async def network(self, request: Request) -> Response:
        """Pull the station's network, or plug it in again."""
        if (refused := _refused(request)) is not None:
            return refused
        await run_in_threadpool(self._strip.switches.flip_network)
        return await self.strip(request)

    async def ledger(self, request: Request) -> Response:
        """Kill the ledger's worker, or start it again."""
        if (refused := _refused(request)) is not None:
            return refused
        await run_in_threadpool(self._strip.switches.flip_ledger)
        return await self.strip(request)


def _refused(request: Request) -> Response | None:
    if PRESSED in request.headers:
        return None
    return PlainTextResponse("only the demo's own page may do that\n", status_code=403)


def _language(request: Request) -> Language:
    asked = request.query_params.get(LANGUAGE) or request.cookies.get(LANGUAGE)
    if asked in set(Language):
        return Language(asked)
    first = request.headers.get("accept-language", "").partition(",")[0].strip().lower()
    return Language.CHINESE if first.startswith("zh") else Language.ENGLISH


class _Guarded:
    """Puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, panel_port: int) -> None:
        self._app = app
        frames = " ".join(f"http://{host}:{panel_port}" for host in ("127.0.0.1", "localhost"))
        self._headers = {
            "Content-Security-Policy": f"default-src 'self'; frame-src {frames}; base-uri 'none'; "
            "frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, guarded)
