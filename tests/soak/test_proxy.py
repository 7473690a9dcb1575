"""The soak's network over real sockets: it passes, cuts, keeps silent, delays and throttles."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from scripts.testbed.proxy import Network, network
from tests.waiting import WITHIN_S, until

LINK = "sync-north"


class Echo:
    """A server that says everything back, until it is closed."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(caller,), daemon=True).start()

    def _answer(self, caller: socket.socket) -> None:
        with caller:
            while chunk := _received(caller):
                caller.sendall(chunk)


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(4096)
    except OSError:
        return b""


@pytest.fixture
def link(free_port: Callable[[], int]) -> Iterator[tuple[Network, int]]:
    target, port = free_port(), free_port()
    echo = Echo(target)
    with network() as net:
        net.open(LINK, port, target)
        yield net, port
    echo.close()


def call(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S)


def said_back(connection: socket.socket, what: bytes) -> bytes:
    connection.sendall(what)
    heard = b""
    while len(heard) < len(what) and (chunk := connection.recv(4096)):
        heard += chunk
    return heard


def is_refused(port: int) -> bool:
    """Whether a call is ended without an answer."""
    with call(port) as connection:
        try:
            connection.sendall(b"hello")
            return connection.recv(10) == b""
        except ConnectionError:
            return True


def test_a_healthy_link_passes_everything_in_order(link: tuple[Network, int]) -> None:
    message = bytes(range(256)) * 100
    with call(link[1]) as connection:
        assert said_back(connection, message) == message


def test_a_cut_ends_connections_and_refuses_new_ones_until_it_is_healed(link: tuple[Network, int]) -> None:
    net, port = link
    with call(port) as connection:
        assert said_back(connection, b"hello") == b"hello"
        net.cut(LINK)
        assert _received(connection) == b""
    assert is_refused(port)
    net.heal(LINK)
    with call(port) as connection:
        assert said_back(connection, b"again") == b"again"


def test_a_silent_link_holds_what_is_sent_and_gives_it_when_it_is_healed(link: tuple[Network, int]) -> None:
    net, port = link
    with call(port) as connection:
        assert said_back(connection, b"hello") == b"hello"
        net.silence(LINK)
        connection.sendall(b"late")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(10)
        net.heal(LINK)
        connection.settimeout(WITHIN_S)
        assert connection.recv(10) == b"late"


def test_a_delayed_link_takes_at_least_its_delay_each_way(link: tuple[Network, int]) -> None:
    net, port = link
    net.delay(LINK, 0.1)
    with call(port) as connection:
        began = time.monotonic()
        assert said_back(connection, b"hello") == b"hello"
        assert time.monotonic() - began >= 0.2


def test_a_throttled_link_takes_at_least_the_time_its_bytes_need(link: tuple[Network, int]) -> None:
    net, port = link
    net.throttle(LINK, 10_000)
    with call(port) as connection:
        began = time.monotonic()
        assert said_back(connection, b"x" * 2000) == b"x" * 2000
        assert time.monotonic() - began >= 0.4


def test_a_link_to_nobody_ends_the_call(free_port: Callable[[], int]) -> None:
    port = free_port()
    with network() as net:
        net.open(LINK, port, free_port())
        assert is_refused(port)


def test_a_closed_network_leaves_no_listener_and_no_thread(free_port: Callable[[], int]) -> None:
    port = free_port()
    with network() as net:
        net.open(LINK, port, free_port())
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    until(lambda: not any(thread.name == "network" for thread in threading.enumerate()), "the thread's end")
