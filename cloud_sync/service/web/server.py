"""A uvicorn server with limits that tells systemd that it is ready and that its loop runs."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, cast

import uvicorn

from cloud_sync.service.systemd import Notifier, notifier_of
from cloud_sync.service.web.connection import Connection
from cloud_sync.service.web.gate import Bounds, Gate, TurnedAway

BACKLOG = 64
"""Connections that the kernel queues; a burst of this size is accepted before any can be turned away."""
FILES_BESIDE = 256
"""Descriptors for everything else: databases, static files, the backlog."""


class WebServer(uvicorn.Server):
    """Serves an ASGI application; `further` are uvicorn's own settings."""

    def __init__(
        self,
        app: Any,  # noqa: ANN401 (an ASGI application or its import path, as uvicorn takes it)
        bounds: Bounds,
        notifier: Notifier | None = None,
        **further: Any,  # noqa: ANN401 (uvicorn's)
    ) -> None:
        bounds = _within_open_files(bounds)
        self._notifier = notifier_of() if notifier is None else notifier
        self._turned_away = TurnedAway(
            lambda seconds, call: asyncio.get_running_loop().call_later(seconds, call)
        )
        # Uvicorn only calls it.
        protocol = cast("type[asyncio.Protocol]", partial(Connection, gate=Gate(bounds, self._turned_away)))
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,  # a statement's URL is its key: it must not get into a log
                server_header=False,
                proxy_headers=bool(bounds.proxies),
                forwarded_allow_ips=list(bounds.proxies),
                backlog=BACKLOG,
                limit_concurrency=bounds.connections + 1,
                **further,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and tell systemd."""
        await super().startup(sockets)
        if self.started:
            self._notifier.ready()

    async def on_tick(self, counter: int) -> bool:
        """Ping the watchdog."""
        self._notifier.pet()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening and finish what is being answered."""
        self._turned_away.flush()
        await super().shutdown(sockets)


def _later(seconds: float, call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, call)


def _within_open_files(bounds: Bounds) -> Bounds:
    """Fit the bounds to this process's file descriptors; raise the soft limit as far as needed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = bounds.connections + FILES_BESIDE
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return bounds
    return replace(bounds, connections=max(1, soft - FILES_BESIDE))
