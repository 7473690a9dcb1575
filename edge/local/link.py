"""The client of a local socket: it reconnects by itself, and its sends never block."""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from config.process.threads import Complaints, thread
from edge.local.protocol import PEER, SILENCE_S

log = logging.getLogger(__name__)

AGAIN_S = 0.25
"""Wait between two attempts to connect."""
LONGEST_AGAIN_S = 8.0
"""Limit of the wait, which doubles with each successive connection that ends in NonsenseError."""
MOST_PACKETS = 200
"""Packets in one second; a server that sends more is disconnected."""
_JOIN_S = 3.0


class NonsenseError(OSError):
    """A server broke the protocol: an invalid packet, or too many packets."""


class LocalLink:
    """Keeps a connection to a server from `start` to `stop`; reads packets on its own thread.

    It calls `met` after each connection, `hear` with each packet, and `lost` with the reason when the
    connection ends or an attempt fails. It disconnects from a server that is silent for SILENCE_S or sends
    too much. `hear` must raise NonsenseError for an invalid packet.
    """

    def __init__(self, server: str, paths: Sequence[Path], max_packet: int) -> None:
        """Connect to the first of `paths` that has a listener; `server` is its name in the log."""
        self.met: Callable[[], None] = lambda: None
        self.hear: Callable[[bytes], None] = lambda _packet: None
        self.lost: Callable[[str], None] = lambda _why: None
        self._server, self._paths, self._max_packet = server, paths, max_packet
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._stopping = threading.Event()
        self._complaints = Complaints(log)
        self._refused = Complaints(log)
        self._again_s = AGAIN_S
        self._thread = thread(self._run, server)

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begin to connect. Call it once."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnect and end the thread; waits up to 3 s."""
        self._stopping.set()
        with self._lock, suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def send(self, packet: bytes) -> bool:
        """Send a packet on the caller's thread, without blocking; return whether the kernel took it."""
        with self._lock:
            if self._socket is None:
                return False
            try:
                self._socket.send(packet, socket.MSG_NOSIGNAL)
            except OSError as error:  # gone, or hung with a full buffer: the reading thread notices
                if self._refused.is_new(str(error)):
                    log.error("the %s does not take a request (%s)", self._server, error)  # noqa: TRY400 (no bug)
                return False
            self._refused.over()
            return True

    def end_server(self) -> bool:
        """Ask the server's process to end, by SIGTERM; return whether we are connected to one.

        The kernel names the process that listens, so no other can be meant.
        """
        with self._lock:
            if self._socket is None:
                return False
            process, _, _ = PEER.unpack(
                self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size)
            )
            if process == os.getpid():
                return False
            try:
                os.kill(process, signal.SIGTERM)
            except OSError as error:
                log.error("the %s cannot be asked to end (%s)", self._server, error)  # noqa: TRY400 (no bug)
                return False
        return True

    def _run(self) -> None:
        while not self._stopping.is_set():
            wait_s = AGAIN_S
            try:
                self._serve()
            except NonsenseError as error:
                log.error("the %s was hung up on: %s", self._server, error)  # noqa: TRY400 (no bug)
                self.lost(str(error))
                wait_s, self._again_s = self._again_s, min(2 * self._again_s, LONGEST_AGAIN_S)
            except OSError as error:
                self.lost(str(error))
            except Exception as error:  # noqa: BLE001 (the outermost loop: a station needs the others)
                self._complaints.raised(f"{self._server}: a report could not be handled", error)
                self.lost("a mistake, see above")
            self._stopping.wait(wait_s)

    def _serve(self) -> None:
        """Connect and read packets until the connection ends; OSError tells why."""
        # No socket timeout: with one, `send` would wait too, and it runs on the station's thread.
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK) as server:
            self._connect(server)
            with self._lock:
                self._socket = server
            self.met()
            budget = _Budget()
            try:
                while not self._stopping.is_set():
                    if not select.select([server], [], [], SILENCE_S)[0]:
                        raise OSError(f"the {self._server} said nothing for {SILENCE_S:g} s")
                    self.hear(self._packet(server))
                    budget.spend(self._server)
                    self._complaints.over()
                    if budget.is_steady:
                        self._again_s = AGAIN_S
            finally:
                with self._lock:
                    self._socket = None

    def _packet(self, server: socket.socket) -> bytes:
        packet = server.recv(self._max_packet + 1)
        if not packet:
            raise OSError(f"the {self._server} hung up")
        if len(packet) > self._max_packet:
            raise NonsenseError(f"it sent a packet of more than {self._max_packet} bytes")
        return packet

    def _connect(self, server: socket.socket) -> None:
        """Connect to the first socket that has a listener; OSError of the first path if none has."""
        errors = []
        for path in self._paths:
            try:
                server.connect(os.fspath(path))
            except OSError as error:
                errors.append(error)
            else:
                return
        raise errors[0]


class _Budget:
    """Limits packets per second; `is_steady` after LONGEST_AGAIN_S within the limit."""

    def __init__(self) -> None:
        self._began = self._second_at = time.monotonic()
        self._spent = 0

    @property
    def is_steady(self) -> bool:
        return time.monotonic() >= self._began + LONGEST_AGAIN_S

    def spend(self, server: str) -> None:
        """Count one packet; NonsenseError beyond MOST_PACKETS in a second."""
        now = time.monotonic()
        if now >= self._second_at + 1:
            self._second_at, self._spent = now, 0
        self._spent += 1
        if self._spent > MOST_PACKETS:
            raise NonsenseError(f"the {server} said more than {MOST_PACKETS} things in a second")
