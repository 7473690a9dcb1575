"""A station's requests to a server that answers as it is told to: well, slowly, too much, or in part."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud_sync.ledger.broker.certificates import make_authority, make_server
from cloud_sync.transport.signed_http import Proof, proof_of
from cloud_sync.wire.api import MAX_ERROR_BYTES, NONCE, ROOT
from cloud_sync.wire.envelope import key_id
from config.errors import InputError
from config.station import StationCloudSection
from edge.ledger_api.client import Answer, LedgerAwayError, LedgerClient, LedgerRefusesError
from edge.sync.keys import StationIdentity, StationKeys
from tests.waiting import WITHIN_S

KEY = Ed25519PrivateKey.generate()
SENDER = StationIdentity("lane", "gate", StationKeys(KEY, bytes(32), KEY.public_key()))
PATH = "/station/roster?have=3"
Handler = Callable[["Request"], None]


class Request(BaseHTTPRequestHandler):
    """One request; what becomes of it is the test's."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        key = KEY.public_key()
        self.server.proofs.append(proof_of(self.command, self.path, dict(self.headers), body, lambda _: key))
        self.server.bodies.append(body)
        self.server.answer(self)

    do_POST = do_GET  # noqa: N815 (http.server's name)

    def send(self, status: int, body: bytes, nonce: str = "next", length: int | None = None) -> None:
        self.send_response(status)
        self.send_header(NONCE, nonce)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep silent."""


class Server(ThreadingHTTPServer):
    """Answers by `answer`, and keeps what was proved to it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.answer: Handler = lambda request: request.send(200, b"well")
        self.proofs: list[Proof] = []
        self.bodies: list[bytes] = []


@dataclass
class Site:
    """A server, its authority, and clients of it."""

    folder: Path
    stack: ExitStack
    server: Server = field(default_factory=Server)

    def start(self, *, tls: bool = False) -> StationCloudSection:
        host, port = self.server.server_address[:2]
        scheme, authority = "http", None
        if tls:
            scheme, authority = "https", self._guard()
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.stack.callback(self.server.shutdown)
        return StationCloudSection(ledger_url=f"{scheme}://{host!s}:{port}", ledger_ca=authority)

    def _guard(self) -> str:
        now = datetime.now(UTC)
        authority = make_authority("A", now)
        shown = make_server(authority, {"127.0.0.1"}, now)
        (self.folder / "shown.pem").write_bytes(shown.certificate + shown.key)
        (self.folder / "ca.pem").write_bytes(authority.certificate)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.folder / "shown.pem")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        return str(self.folder / "ca.pem")

    def client(self, cloud: StationCloudSection | None = None, whole_s: float = WITHIN_S) -> LedgerClient:
        moments = count()
        made = LedgerClient(cloud or self.start(), SENDER, lambda: float(next(moments)), whole_s=whole_s)
        self.stack.callback(made.close)
        return made


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        made = Site(tmp_path, stack)
        stack.callback(made.server.server_close)
        yield made


def test_a_request_is_signed_with_the_nonce_of_the_last_answer(site: Site) -> None:
    client = site.client()
    assert client.ask("GET", PATH, most_bytes=10) == Answer(200, b"well", "none-yet")
    assert client.ask("POST", "/x", b"body", kind="text/plain", most_bytes=10) == Answer(200, b"well", "next")
    key = key_id(KEY.public_key())
    assert site.server.proofs == [Proof(key, "none-yet"), Proof(key, "next")]
    assert site.server.bodies == [b"", b"body"]


def test_a_nonce_that_is_no_longer_good_costs_one_more_request(site: Site) -> None:
    def answer(request: Request) -> None:
        if site.server.proofs[-1].nonce == "good":
            request.send(200, b"well")
        else:
            request.send(401, json.dumps({"error": "e", "mend": "m"}).encode(), nonce="good")

    site.server.answer = answer
    assert site.client().ask("GET", PATH, most_bytes=10) == Answer(200, b"well", "good")
    assert [proof.nonce for proof in site.server.proofs] == ["none-yet", "good"]


def test_a_key_that_is_refused_is_not_tried_for_ever(site: Site) -> None:
    site.server.answer = lambda request: request.send(401, b'{"error": "no such key", "mend": "admit it"}')
    with pytest.raises(LedgerRefusesError, match="no such key; admit it"):
        site.client().ask("GET", PATH, most_bytes=10)
    assert len(site.server.proofs) == 2


def test_nothing_new_is_an_answer_without_a_body(site: Site) -> None:
    site.server.answer = lambda request: request.send(304, b"")
    assert site.client().ask("GET", PATH, most_bytes=10) == Answer(304, b"", "none-yet")


def test_a_page_that_is_not_the_ledgers_is_named_by_its_status(site: Site) -> None:
    site.server.answer = lambda request: request.send(502, b"<html>Bad gateway</html>")
    with pytest.raises(LedgerRefusesError, match="the answer is 502, and not in the ledger's form; look at"):
        site.client().ask("GET", PATH, most_bytes=10)


def test_a_redirect_is_not_followed(site: Site) -> None:
    site.server.answer = lambda request: request.send(302, b"")
    with pytest.raises(LedgerRefusesError, match="the answer is 302"):
        site.client().ask("GET", PATH, most_bytes=10)
    assert len(site.server.proofs) == 1


def test_an_answer_is_read_only_as_far_as_it_may_be_long(site: Site) -> None:
    site.server.answer = lambda request: request.send(200, b"x" * 11)
    with pytest.raises(LedgerAwayError, match="longer than 10 bytes"):
        site.client().ask("GET", PATH, most_bytes=10)
    site.server.answer = lambda request: request.send(404, b"x" * (MAX_ERROR_BYTES + 1))
    with pytest.raises(LedgerAwayError, match=f"longer than {MAX_ERROR_BYTES} bytes"):
        site.client(StationCloudSection(ledger_url=_url(site))).ask("GET", PATH, most_bytes=10)


def test_a_download_that_is_cut_off_is_no_answer(site: Site) -> None:
    def answer(request: Request) -> None:
        request.send(200, b"half", length=8)
        request.close_connection = True
        request.connection.shutdown(socket.SHUT_RDWR)

    site.server.answer = answer
    with pytest.raises(LedgerAwayError):
        site.client().ask("GET", PATH, most_bytes=10)


def test_an_answer_that_drips_is_given_up(site: Site) -> None:
    def answer(request: Request) -> None:
        request.send(200, b"", length=1000)
        try:
            for _ in range(1000):
                request.wfile.write(b"x")
                request.wfile.flush()
                threading.Event().wait(0.01)
        except OSError:
            return

    site.server.answer = answer
    with pytest.raises(LedgerAwayError, match="took longer than 5 s"):
        site.client(whole_s=5.0).ask("GET", PATH, most_bytes=1000)


def test_a_server_that_is_away_is_named(site: Site) -> None:
    cloud = site.start()
    site.server.shutdown()
    site.server.server_close()
    with pytest.raises(LedgerAwayError, match="refused"):
        site.client(cloud).ask("GET", PATH, most_bytes=10)


def test_the_line_is_tls_by_the_authority_that_is_named(site: Site, tmp_path: Path) -> None:
    cloud = site.start(tls=True)
    assert site.client(cloud).ask("GET", PATH, most_bytes=10) == Answer(200, b"well", "none-yet")
    other = tmp_path / "other.pem"
    other.write_bytes(make_authority("B", datetime.now(UTC)).certificate)
    with pytest.raises(LedgerAwayError, match="certificate verify failed"):
        site.client(StationCloudSection(ledger_url=cloud.ledger_url, ledger_ca=str(other))).ask(
            "GET", PATH, most_bytes=10
        )
    assert len(site.server.proofs) == 1
    assert site.server.proofs[0].key == key_id(KEY.public_key())


def test_a_ca_file_that_is_none_is_named_with_its_mend(site: Site, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("hello", encoding="utf-8")
    with pytest.raises(InputError, match=r"cloud.ledger_ca .*wrong.pem is no CA file"):
        site.client(StationCloudSection(ledger_url="https://127.0.0.1:1", ledger_ca=str(wrong)))


def _url(site: Site) -> str:
    host, port = site.server.server_address[:2]
    return f"http://{host!s}:{port}"


def test_requests_are_below_the_apis_root(site: Site) -> None:
    paths: list[str] = []

    def answer(request: Request) -> None:
        paths.append(request.path)
        request.send(200, b"")

    site.server.answer = answer
    site.client().ask("GET", PATH, most_bytes=10)
    assert paths == [ROOT + PATH]
