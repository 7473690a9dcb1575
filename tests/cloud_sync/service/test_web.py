"""The server under strangers that do not end what they begin, over real sockets."""

from __future__ import annotations

import logging
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from cloud_sync.service.systemd import notifier_of
from cloud_sync.service.web.gate import Bounds
from cloud_sync.service.web.server import FILES_BESIDE, WebServer
from tests.station.manager import Manager
from tests.waiting import WITHIN_S, until

LONG = 1000.0
SHORT = 0.2
PATIENT = Bounds(header_s=LONG, body_s=LONG, answer_s=LONG)
WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = 64 * 1024 * 1024
"""An answer that no kernel's buffers hold."""


async def application(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI's dictionaries)
    """Reads the body, then answers with its scheme and client; at /large with more than buffers hold."""
    while (await receive()).get("more_body"):
        pass
    body = b"x" * LARGE if scope["path"] == "/large" else f"{scope['scheme']} {scope['client'][0]}".encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Served:
    """A server in a thread, and connections to it."""

    def __init__(self, bounds: Bounds, stack: ExitStack, **further: Any) -> None:  # noqa: ANN401
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.server = WebServer(application, bounds, **further)
        self._stack = stack
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.listener]})
        self._thread.start()
        stack.callback(self.stop)

    def stop(self) -> None:
        self.server.force_exit = self.server.should_exit = True
        self._thread.join(WITHIN_S)
        assert not self._thread.is_alive()

    def call(self, sent: bytes = b"") -> socket.socket:
        made = self._stack.enter_context(socket.create_connection(self.listener.getsockname(), WITHIN_S))
        made.sendall(sent)
        return made

    @property
    def open(self) -> int:
        return len(self.server.server_state.connections)


@contextmanager
def serving(bounds: Bounds, **further: Any) -> Iterator[Served]:  # noqa: ANN401
    with ExitStack() as stack:
        yield Served(bounds, stack, **further)


def is_closed(connection: socket.socket) -> bool:
    """Whether the server ends the connection without a word."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def answer(connection: socket.socket) -> bytes:
    """One whole answer, by its content-length."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(4096)
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(4096)
    return body


@pytest.mark.parametrize(
    "begun",
    [b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX: y"],
    ids=["nothing", "line", "part"],
)
def test_an_endless_request_is_closed(begun: bytes) -> None:
    with serving(Bounds(header_s=SHORT, body_s=LONG)) as served:
        assert is_closed(served.call(begun))


def test_single_bytes_do_not_extend_the_time_limit() -> None:
    with serving(Bounds(header_s=10 * SHORT, body_s=LONG)) as served:
        slow = served.call(b"GET / HTTP/1.1\r\nX: ")
        slow.settimeout(SHORT / 10)

        def ended() -> bool:
            with suppress(TimeoutError):
                try:
                    slow.sendall(b"y")
                except ConnectionError:
                    return True
                return is_closed(slow)
            return False

        until(ended, "it is closed")


def test_the_second_request_of_a_connection_has_the_same_limit() -> None:
    with serving(Bounds(header_s=SHORT, body_s=LONG)) as served:
        held = served.call(WHOLE)
        answer(held)
        held.sendall(WHOLE)
        answer(held)
        held.sendall(b"GET /")
        assert is_closed(held)


def test_an_endless_body_is_closed() -> None:
    with serving(Bounds(header_s=LONG, body_s=SHORT)) as served:
        assert is_closed(served.call(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"))


def test_a_body_that_is_too_large_is_closed() -> None:
    bounds = Bounds(header_s=LONG, body_s=LONG, body_bytes=1000)
    with serving(bounds) as served:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
        assert is_closed(served.call(head + b"x" * 50_000))
        small = served.call(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n" + b"x" * 500)
        assert answer(small).startswith(b"http ")


def test_an_answer_that_nobody_reads_is_given_up() -> None:
    with serving(Bounds(header_s=LONG, answer_s=SHORT)) as served:
        served.call(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: served.open == 1, "it is being answered")
        until(lambda: served.open == 0, "it is given up")


def test_an_address_with_many_connections_blocks_neither_others_nor_itself() -> None:
    bounds = Bounds(connections=20, per_address=8, header_s=LONG)
    with serving(bounds) as served:
        held = [served.call(b"GET /") for _ in range(60)]
        until(lambda: served.open == bounds.per_address, "the rest is closed")
        assert answer(served.call(WHOLE)) == b"http 127.0.0.1"
        assert all(is_closed(one) for one in held[: 60 - bounds.per_address])


def test_a_flood_of_bad_requests_does_not_flood_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with serving(PATIENT) as served:
        for _ in range(50):
            with served.call(b"\x16\x03\x01 no HTTP\r\n\r\n") as bad:
                assert bad.recv(12) == b"HTTP/1.1 400"
            with served.call(WHOLE[:-2] + b"Upgrade: websocket\r\nConnection: upgrade\r\n\r\n") as good:
                assert answer(good)
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert lines == ["connections closed: 50 sent no HTTP; 50 from 127.0.0.1"]


FORWARDED = b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n\r\n"


@pytest.mark.parametrize(
    ("proxies", "told"),
    [
        ((), b"http 127.0.0.1"),
        (("192.0.2.1",), b"http 127.0.0.1"),
        (("127.0.0.0/8",), b"https 203.0.113.9"),
    ],
)
def test_only_our_proxy_is_believed_about_the_clients_address(
    monkeypatch: pytest.MonkeyPatch, proxies: tuple[str, ...], told: bytes
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    with serving(Bounds(proxies=proxies)) as served:
        assert answer(served.call(FORWARDED)) == told


def test_the_server_tells_systemd_that_it_is_ready_and_alive(tmp_path: Path) -> None:
    with Manager(tmp_path, 0.4) as manager:
        notifier = notifier_of(manager.env, pid=0)
        with serving(PATIENT, notifier=notifier):
            until(lambda: manager.listen().count("WATCHDOG=1") >= 3, "it turns")
            assert manager.heard.count("READY=1") == 1
        notifier.close()


@pytest.mark.parametrize(
    ("limits", "raised", "connections"),
    [((1024, 4096), [], 256), ((300, 4096), [512], 256), ((64, 300), [300], 44)],
)
def test_the_server_takes_no_more_connections_than_it_has_file_descriptors_for(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], raised: list[int], connections: int
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _what: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _what, both: asked.append(both[0]))
    server = WebServer(application, Bounds(connections=256))
    assert asked == raised
    assert server.config.limit_concurrency == connections + 1
    assert FILES_BESIDE == 256
