"""Serves the panel until the process is stopped."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Collection
from pathlib import Path
from types import FrameType
from typing import NoReturn

from starlette.applications import Starlette

from cloud_sync.service.web.gate import Bounds
from cloud_sync.service.web.server import WebServer
from config.errors import InputError
from config.reading.hosts import check_host
from config.reading.load_sorting import load_sorting
from config.station import StationSettings
from config.words import load_words
from edge.panel.app import create_app, end_streams
from edge.panel.names import names_of

log = logging.getLogger(__name__)

STOP_WITHIN_S = 3
"""At the end, a browser that does not take its last bytes is disconnected after this."""
BACKLOG = 64
BOUNDS = Bounds(connections=64)
"""Enough for a few screens, and small for a Raspberry Pi, which must also run the station."""


def serve(
    settings: StationSettings,
    host: str,
    port: int,
    names: Collection[str] = (),
    framed_by: Collection[str] = (),
) -> None:
    """Show the station of `settings` on http://host:port until SIGTERM or SIGINT, then return.

    The panel answers to this machine's names and addresses, and to `names`. Pages of the origins in
    `framed_by` may show it in a frame. The station need not run yet. InputError if the address is unusable.
    """
    for name in names:
        check_host(name, "--name")
    app = create_app(
        Path(settings.station.runtime_dir),
        load_words(),
        load_sorting(settings.model.sorting),
        settings.station.language,
        names=names_of(socket.gethostname(), {host, *names}),
        framed_by=framed_by,
    )
    listener = listen(host, port)
    log.info("the panel is on http://%s:%d/", f"[{host}]" if ":" in host else host, listener.getsockname()[1])
    with listener:
        PanelServer(app).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """Return a listening TCP socket; InputError names a port or host that cannot be used."""
    check_host(host, "--host")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror:
        raise InputError(f"no host {host}", "name an address of this machine with --host") from None
    listener = socket.socket(family, kind, protocol)
    try:
        # A restarted panel must not wait until its old connections time out.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        _explain(error, host, port)
    return listener


def _explain(error: OSError, host: str, port: int) -> NoReturn:
    if error.errno == errno.EADDRINUSE:
        raise InputError(f"port {port} on {host} is in use", "choose another with --port") from None
    if error.errno == errno.EACCES:
        raise InputError(f"port {port} needs root's rights", "choose one above 1023 with --port") from None
    if error.errno == errno.EADDRNOTAVAIL:
        raise InputError(f"{host} is no address of this machine", "name one with --host") from None
    raise error


class PanelServer(WebServer):
    """A server that ends the streams of updates when it stops, and returns after a signal."""

    def __init__(self, app: Starlette, bounds: Bounds = BOUNDS) -> None:
        self._panel = app
        super().__init__(app, bounds, timeout_graceful_shutdown=STOP_WITHIN_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, end the streams, and finish the open requests."""
        end_streams(self._panel)
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at a signal; a second one stops at once. uvicorn's own handler would raise it again later."""
        del sig, frame
        self.force_exit = self.should_exit
        self.should_exit = True
