"""A client's end of a local socket: it connects again and again, and never waits for the other end."""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from config.process.threads import Complaints, thread
from edge.local.protocol import SILENCE_S

log = logging.getLogger(__name__)

AGAIN_S = 0.25
"""Between two tries to reach a server."""
LONGEST_AGAIN_S = 8.0
"""The wait doubles up to this after each connection in a row whose server talked nonsense."""
MOST_PACKETS = 200
"""A server that says more than this in a second floods its client, and is hung up on."""
_JOIN_S = 3.0


class NonsenseError(OSError):
    """A server said what no working one says, or too much."""


class LocalLink:
    """Connects to a server, from `start` to `stop`, and hands on what it says, on a thread of its own.

    `met` is called after each connection, `hear` with each packet, `lost` with the reason when there is no
    connection any more or none can be had. A server that is silent for SILENCE_S is hung up on, and so is
    one that floods; `hear` raises NonsenseError for what is no word of the protocol.
    """

    def __init__(self, server: str, paths: Sequence[Path], max_packet: int) -> None:
        """`server` names it for the log. Its socket is one of `paths`, the first as a rule."""
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
        """Begin to connect; once."""
        self._thread.start()

    def stop(self) -> None:
        """Hang up."""
        self._stopping.set()
        with self._lock, suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def send(self, packet: bytes) -> bool:
        """Send a packet, on the caller's thread; never blocks. Whether the kernel took it."""
        with self._lock:
            if self._socket is None:
                return False
            try:
                self._socket.send(packet, socket.MSG_NOSIGNAL)
            except OSError as error:  # gone, or it hangs and its buffer is full: the reading side finds out
                if self._refused.is_new(str(error)):
                    log.error("the %s does not take a request (%s)", self._server, error)  # noqa: TRY400 (no bug)
                return False
            self._refused.over()
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
        """Talk with a server until it goes; OSError says why."""
        # Not with a timeout: a socket that has one waits in `send` too, and that is the station's thread.
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
    """Counts packets by the second; `is_steady` after a while within bounds."""

    def __init__(self) -> None:
        self._began = self._second_at = time.monotonic()
        self._spent = 0

    @property
    def is_steady(self) -> bool:
        return time.monotonic() >= self._began + LONGEST_AGAIN_S

    def spend(self, server: str) -> None:
        """Count one; NonsenseError for one too many."""
        now = time.monotonic()
        if now >= self._second_at + 1:
            self._second_at, self._spent = now, 0
        self._spent += 1
        if self._spent > MOST_PACKETS:
            raise NonsenseError(f"the {server} said more than {MOST_PACKETS} things in a second")
