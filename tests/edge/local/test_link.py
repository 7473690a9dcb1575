"""A client's end of a local socket, over real sockets: who floods, hangs or talks too long is hung up on."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from edge.local.link import MOST_PACKETS, LocalLink, NonsenseError
from tests.waiting import WITHIN_S, until

MAX_PACKET = 64


class Told:
    """What a link told."""

    def __init__(self, path: Path) -> None:
        self.heard: list[bytes] = []
        self.lost: list[str] = []
        self.link = LocalLink("eye", [path], MAX_PACKET)
        self.link.hear, self.link.lost = self._hear, self.lost.append

    def _hear(self, packet: bytes) -> None:
        self.heard.append(packet)
        if packet == b"nonsense":
            raise NonsenseError("it said nonsense")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(os.fspath(tmp_path / "s"))
        listener.listen()
        listener.settimeout(WITHIN_S)
        yield listener


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    told = Told(tmp_path / "s")
    told.link.start()
    yield told
    told.link.stop()


def test_without_a_server_nothing_is_taken_and_the_reason_is_told(told: Told) -> None:
    until(lambda: told.lost, "it is told")
    assert not told.link.send(b"hello")


def test_one_that_floods_is_hung_up_on_and_may_come_back(server: socket.socket, told: Told) -> None:
    peer, _ = server.accept()
    with peer, suppress(OSError):
        while True:
            peer.send(b"!")
    until(lambda: any("in a second" in why for why in told.lost), "it is told")
    assert MOST_PACKETS < len(told.heard) <= 2 * MOST_PACKETS + 1, "within two seconds at most"
    again, _ = server.accept()
    again.close()


@pytest.mark.parametrize("packet", [b"nonsense", b"x" * (MAX_PACKET + 1)])
def test_one_that_talks_nonsense_is_hung_up_on(server: socket.socket, told: Told, packet: bytes) -> None:
    peer, _ = server.accept()
    with peer:
        peer.send(packet)
        assert peer.recv(1) == b""
    until(lambda: any("nonsense" in why or "more than 64" in why for why in told.lost), "it is told")


def test_one_that_does_not_read_holds_nobody_up(server: socket.socket, told: Told) -> None:
    peer, _ = server.accept()
    with peer:
        until(lambda: told.link.send(b"first"), "it is connected")
        taken = 1
        while told.link.send(b"x" * MAX_PACKET):
            taken += 1
            assert taken < 1_000_000
