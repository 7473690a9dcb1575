"""A proxy with TLS before a server without, as one stands before a town's ledger."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from cloud_sync.ledger.broker.certificates import make_authority, make_server
from tests.waiting import WITHIN_S


class _Front(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, behind: int, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", port), _Pass)
        self.behind, self.context = behind, context


class _Pass(socketserver.BaseRequestHandler):
    """Passes one request on and its answer back; every connection is closed after it."""

    server: _Front

    def handle(self) -> None:
        with suppress(OSError):
            self.request.settimeout(WITHIN_S)
            with (
                self.server.context.wrap_socket(self.request, server_side=True) as outside,
                socket.create_connection(("127.0.0.1", self.server.behind), WITHIN_S) as inside,
            ):
                back = threading.Thread(target=_pump, args=(inside, outside), daemon=True)
                back.start()
                _pump(outside, inside)
                back.join(WITHIN_S)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            sink.sendall(part)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@contextmanager
def tls_front(folder: Path, port: int, behind: int) -> Iterator[Path]:
    """Serve `https://127.0.0.1:PORT` over the server at `behind`; give the file of the authority."""
    now = datetime.now(UTC)
    authority = make_authority("an authority of this test", now)
    made = make_server(authority, ["127.0.0.1"], now)
    (folder / "front-ca.pem").write_bytes(authority.certificate)
    (folder / "front.pem").write_bytes(made.certificate + made.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "front.pem")
    with _Front(port, behind, context) as front:
        thread = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield folder / "front-ca.pem"
        finally:
            front.shutdown()
            thread.join(WITHIN_S)
