"""Serve the ledger's web pages."""

from __future__ import annotations

import errno
import logging
import socket

from cloud_sync.ledger.db.database import check
from cloud_sync.service.web.gate import Bounds
from cloud_sync.service.web.server import WebServer
from config.errors import InputError
from config.ledger import LedgerSettings, PagesSection

log = logging.getLogger(__name__)

_MENDS = {
    errno.EACCES: "set a port above 1023 under [pages]",
    errno.EADDRNOTAVAIL: "set an address of this machine under [pages]: 0.0.0.0 or :: for all",
    socket.EAI_NONAME: "set an address of this machine under [pages]: no host has that name",
}
GRACE_S = 5
"""How long an open request may still take after the server was asked to stop."""


def serve(settings: LedgerSettings) -> None:
    """Serve the pages until SIGTERM or SIGINT; InputError if the port is taken."""
    check(settings)
    with listen(settings.pages) as listener:
        bounds = Bounds(proxies=settings.proxies)
        application = "cloud_sync.ledger.site.asgi:application"
        server = WebServer(application, bounds, timeout_graceful_shutdown=GRACE_S)
        log.info("pages on %s/", settings.url)
        server.run(sockets=[listener])


def listen(pages: PagesSection) -> socket.socket:
    """Open the pages' listening socket; InputError says why it cannot."""
    family = socket.AF_INET6 if ":" in pages.host else socket.AF_INET
    try:
        return socket.create_server((pages.host, pages.port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            what = f"port {pages.port} on {pages.host} is in use"
            raise InputError(what, "set another port under [pages] in the ledger.toml") from None
        what = f"pages.host {pages.host}, port {pages.port}: cannot listen there ({error.strerror})"
        raise InputError(what, _MENDS.get(error.errno or 0, "set host and port under [pages]")) from None
