"""The stream of updates: sends each watcher the screen when it has changed, else a regular beat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from config.station import Language
from edge.panel.folder import LOOKS_PER_S

MOST_STREAMS = 20
"""Maximum of screens that watch one station at once, to limit the load of the Raspberry Pi."""
BEAT_S = 2.0
"""Interval of beats; a page that receives nothing for three of them reports that."""
RETRY_MS = 1000
"""A browser reconnects this long after a stream has broken."""

_FULL = (
    f"已有 {MOST_STREAMS} 个屏幕在显示本桶站，请先关闭一个。\n"
    f"{MOST_STREAMS} screens show this station already. Close one of them.\n"
)


class Events:
    """An ASGI endpoint. `screen` renders the current screen in a language."""

    def __init__(
        self, screen: Callable[[Language], str], language_of: Callable[[Request], Language], build: str
    ) -> None:
        self._screen = screen
        self._language_of = language_of
        self._build = build
        self._streams = 0
        self._closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one watcher until it leaves or the panel stops; 503 beyond MOST_STREAMS."""
        if self._streams >= MOST_STREAMS:
            full = PlainTextResponse(_FULL, status_code=503, headers={"Retry-After": "5"})
            await full(scope, receive, send)
            return
        self._streams += 1
        try:
            await self._response(scope)(scope, receive, send)
        finally:
            self._streams -= 1

    def close(self) -> None:
        """End every stream soon, so that the server can stop."""
        self._closing = True

    def _response(self, scope: Scope) -> StreamingResponse:
        updates = self._updates(self._language_of(Request(scope)))
        return StreamingResponse(updates, media_type="text/event-stream")

    async def _updates(self, language: Language) -> AsyncIterator[bytes]:
        yield f"retry: {RETRY_MS}\n\n".encode()
        shown = None
        quiet_looks = 0
        while not self._closing:
            html = self._screen(language)
            if html != shown:
                yield _event("screen", msgspec.json.encode({"build": self._build, "html": html}))
                shown, quiet_looks = html, 0
            elif quiet_looks >= BEAT_S * LOOKS_PER_S:
                yield _event("beat", b"{}")
                quiet_looks = 0
            await asyncio.sleep(1 / LOOKS_PER_S)
            quiet_looks += 1


def _event(name: str, data: bytes) -> bytes:
    """Encode one event; `data` is JSON without line breaks."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
